mock_provider "azurerm" {
  override_during = plan
  source          = "./tests/mocks"
}

mock_provider "azapi" {}

override_resource {
  target          = random_string.suffix
  override_during = plan
  values          = { result = "abc123" }
}

run "everything_that_decides_something_logs_to_the_workspace" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_monitor_diagnostic_setting.main)) == toset(["api-management", "key-vault", "database-patient-tests-api", "database-audit-api", "patient-tests-api", "audit-api", "blobs-patient-tests-api", "blobs-audit-api", "blobs-packages"])
    error_message = "Something logs nowhere."
  }

  assert {
    condition     = alltrue([for setting in azurerm_monitor_diagnostic_setting.main : setting.log_analytics_workspace_id == azurerm_log_analytics_workspace.main.id])
    error_message = "Something logs elsewhere."
  }
}

run "only_what_offers_the_choice_is_told_which_table_to_log_to" {
  command = plan

  # Those that are told nothing are unknown in a plan, as azurerm reads them back.
  assert {
    condition     = toset([for name, diagnostics in local.diagnostics : name if try(diagnostics.dedicated, false)]) == toset(["api-management", "database-patient-tests-api", "database-audit-api"])
    error_message = "A plan would never come to rest, or logs go to a table that no alert reads."
  }

  assert {
    condition     = alltrue([for name in ["api-management", "database-patient-tests-api", "database-audit-api"] : azurerm_monitor_diagnostic_setting.main[name].log_analytics_destination_type == "Dedicated"])
    error_message = "The choice of the table does not reach the diagnostic setting."
  }
}

run "no_log_of_a_database_holds_the_values_of_queries" {
  command = plan

  assert {
    condition     = alltrue([for app in keys(local.apps) : [for log in azurerm_monitor_diagnostic_setting.main["database-${app}"].enabled_log : log.category] == ["ControlPlaneRequests"]])
    error_message = "Request logs of a database can hold patient data."
  }
}

run "every_alert_reaches_the_operators" {
  command = plan

  assert {
    condition     = alltrue([for alert in concat(values(azurerm_monitor_metric_alert.main), azurerm_monitor_metric_alert.availability) : [for action in alert.action : action.action_group_id] == [azurerm_monitor_action_group.operators.id]]) && alltrue([for alert in azurerm_monitor_scheduled_query_rules_alert_v2.main : alert.action[0].action_groups == tolist([azurerm_monitor_action_group.operators.id])])
    error_message = "An alert reaches nobody."
  }

  assert {
    condition     = [for receiver in azurerm_monitor_action_group.operators.email_receiver : receiver.email_address] == ["operators@example.com"]
    error_message = "The action group has other receivers."
  }
}

run "there_is_an_alert_for_all_that_an_operator_gets_up_for" {
  command = plan

  assert {
    condition     = toset(concat(keys(azurerm_monitor_metric_alert.main), keys(azurerm_monitor_scheduled_query_rules_alert_v2.main))) == toset(["latency", "vault-denials", "throttling-patient-tests-api", "throttling-audit-api", "health-patient-tests-api", "health-audit-api", "server-errors", "audit-failures", "host-key-refused", "unannounced-writes", "reconciliation-late", "emergency-access", "many-patients"])
    error_message = "An alert is missing here, or is not described in docs/operations.md."
  }
}

run "a_refused_reader_of_the_vault_is_reported_and_our_own_refresh_is_not" {
  command = plan

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.main["vault-denials"].criteria[0].query == local.vault_denials && strcontains(local.vault_denials, "Status == 403 and Uri !contains '/certificates/contacts'") && !strcontains(local.vault_denials, "401")
    error_message = "The alert takes the usual challenge or Terraform's refresh for an attack, or sees no refusal."
  }

  assert {
    condition     = alltrue([for text in ["union isfuzzy=true", "AZKVAuditLogs", "HttpStatusCode", "AzureDiagnostics", "ResourceProvider == 'MICROSOFT.KEYVAULT'", "column_ifexists('httpStatusCode_d', 0)"] : strcontains(local.vault_denials, text)])
    error_message = "Audit events of the vault go to either table; the alert must read both."
  }

  assert {
    condition     = strcontains(local.vault_denials, "summarize Denials = count() by Caller, Address") && strcontains(local.vault_denials, "Denials > 5")
    error_message = "The refusals of one caller are what counts, and a single one is no alarm."
  }
}

run "an_emergency_is_reviewed" {
  command = plan

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.main["emergency-access"].criteria[0].query == "AppMetrics | where Name == 'purpose.emergency' and Sum > 0" && azurerm_monitor_scheduled_query_rules_alert_v2.main["emergency-access"].severity == 2
    error_message = "Nobody reviews who gave an emergency as the purpose."
  }
}

# The names of the properties are those of a_request_names_the_patient_and_the_caller_by_their_ids.
run "a_caller_who_reads_many_patients_is_noticed" {
  command = plan

  variables {
    patients_per_hour_max = 37
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.main["many-patients"].criteria[0].query == local.many_patients && azurerm_monitor_scheduled_query_rules_alert_v2.main["many-patients"].window_duration == "PT1H" && azurerm_monitor_scheduled_query_rules_alert_v2.main["many-patients"].severity == 2
    error_message = "The alert does not look at an hour."
  }

  assert {
    condition     = alltrue([for text in ["AppRequests", "Name startswith 'Load'", "toint(ResultCode) < 400", "Properties['patient.id']", "Properties['caller.user']", "Properties['caller.subscription']", "dcount(Patient) by User, Subscription", "Patients > 37"] : strcontains(local.many_patients, text)])
    error_message = "Different patients by caller are what counts, above the limit."
  }
}

run "no_alert_needs_more_than_named_tables" {
  command = plan

  # Rules with `search` or `union *` are refused.
  assert {
    condition     = alltrue([for alert in local.query_alerts : !can(regex("(?i)\\bsearch\\b|union( \\w+=\\w+)* \\*", alert.query))])
    error_message = "The service refuses this query in an alert."
  }
}

run "the_gateway_is_asked_for_its_health_from_outside" {
  command = plan

  override_resource {
    target          = azurerm_api_management_subscription.main["first-caller"]
    override_during = plan
    values          = { primary_key = "callers" }
  }

  override_resource {
    target          = azurerm_api_management_subscription.main["monitoring"]
    override_during = plan
    values          = { primary_key = "monitoring" }
  }

  assert {
    condition     = azurerm_application_insights_standard_web_test.gateway[0].enabled == true && azurerm_application_insights_standard_web_test.gateway[0].frequency == 300 && length(toset(azurerm_application_insights_standard_web_test.gateway[0].geo_locations)) >= 5
    error_message = "The test is off, too rare, or asks from too few places to tell an outage from a bad line."
  }

  assert {
    condition     = azurerm_application_insights_standard_web_test.gateway[0].request[0].url == "https://apim.azure-api.net/health" && azurerm_application_insights_standard_web_test.gateway[0].request[0].follow_redirects_enabled == false
    error_message = "The test asks something else than the gateway."
  }

  assert {
    condition     = nonsensitive([for header in azurerm_application_insights_standard_web_test.gateway[0].request[0].header : "${header.name}: ${header.value}"]) == ["Ocp-Apim-Subscription-Key: monitoring"]
    error_message = "The test shows a key that can do more than ask for health, or none."
  }

  assert {
    condition     = azurerm_application_insights_standard_web_test.gateway[0].validation_rules[0].expected_status_code == 200 && azurerm_application_insights_standard_web_test.gateway[0].validation_rules[0].ssl_check_enabled == true && azurerm_application_insights_standard_web_test.gateway[0].validation_rules[0].ssl_cert_remaining_lifetime == 7
    error_message = "The test does not look at the status or at the certificate."
  }
}

run "two_places_that_see_no_health_are_an_alarm" {
  command = plan

  assert {
    condition     = azurerm_monitor_metric_alert.availability[0].application_insights_web_test_location_availability_criteria[0].failed_location_count == 2 && azurerm_monitor_metric_alert.availability[0].application_insights_web_test_location_availability_criteria[0].web_test_id == azurerm_application_insights_standard_web_test.gateway[0].id && azurerm_monitor_metric_alert.availability[0].severity == 0
    error_message = "Nobody gets up for an outage, or everybody for a bad line."
  }
}

run "without_the_availability_test_there_is_no_alert_for_it" {
  command = plan

  variables {
    availability_test = false
  }

  assert {
    condition     = length(azurerm_application_insights_standard_web_test.gateway) == 0 && length(azurerm_monitor_metric_alert.availability) == 0
    error_message = "The test cannot be left out."
  }
}

run "logs_are_kept_as_long_as_asked_and_read_by_entra_id" {
  command = plan

  variables {
    log_retention_days = 365
  }

  assert {
    condition     = azurerm_log_analytics_workspace.main.retention_in_days == 365 && azurerm_log_analytics_workspace.main.local_authentication_enabled == false && azurerm_application_insights.main.workspace_id == azurerm_log_analytics_workspace.main.id
    error_message = "The workspace is not as asked."
  }
}
