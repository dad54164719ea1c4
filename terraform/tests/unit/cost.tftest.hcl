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

run "there_is_no_budget_unless_one_is_named" {
  command = plan

  assert {
    condition     = length(azurerm_consumption_budget_resource_group.main) == 0 && length(terraform_data.budget_start) == 0
    error_message = "Somebody gets mail about a budget that nobody set."
  }
}

run "a_budget_warns_the_operators_before_it_is_spent" {
  command = plan

  variables {
    monthly_budget = 500
  }

  assert {
    condition     = azurerm_consumption_budget_resource_group.main[0].amount == 500 && azurerm_consumption_budget_resource_group.main[0].time_grain == "Monthly" && azurerm_consumption_budget_resource_group.main[0].resource_group_id == local.resource_group.id
    error_message = "The budget is for another sum, another time or other resources."
  }

  assert {
    condition     = { for notification in azurerm_consumption_budget_resource_group.main[0].notification : notification.threshold_type => notification.threshold } == { Actual = 80, Forecasted = 100 }
    error_message = "The warning comes when the money is gone."
  }

  assert {
    condition     = alltrue([for notification in azurerm_consumption_budget_resource_group.main[0].notification : notification.contact_emails == tolist(["operators@example.com"])])
    error_message = "The warning reaches nobody."
  }
}

run "a_budget_starts_on_the_first_of_this_month" {
  command = plan

  variables {
    monthly_budget = 500
  }

  assert {
    condition     = azurerm_consumption_budget_resource_group.main[0].time_period[0].start_date == formatdate("YYYY-MM-'01T00:00:00Z'", plantimestamp())
    error_message = "Azure takes no other start."
  }
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    monthly_budget = 0
  }

  expect_failures = [var.monthly_budget]
}

run "logs_have_no_cap_unless_one_is_named" {
  command = plan

  assert {
    condition     = length(local.cap_alerts) == 0 && !contains(keys(azurerm_monitor_scheduled_query_rules_alert_v2.main), "log-cap")
    error_message = "There is an alert for a cap that nobody set."
  }
}

run "a_cap_on_logs_holds_for_both_ways_in_and_is_told_when_reached" {
  command = plan

  variables {
    log_daily_cap_gb = 2
  }

  assert {
    condition     = azurerm_log_analytics_workspace.main.daily_quota_gb == 2 && azurerm_application_insights.main.daily_data_cap_in_gb == 2
    error_message = "Logs cost more than the cap allows, or traces end before the workspace can tell."
  }

  assert {
    condition     = strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.main["log-cap"].criteria[0].query, "_LogOperation") && azurerm_monitor_scheduled_query_rules_alert_v2.main["log-cap"].action[0].action_groups == tolist([azurerm_monitor_action_group.operators.id])
    error_message = "Telemetry stops and nobody knows."
  }

  assert {
    condition     = contains(keys(azurerm_monitor_scheduled_query_rules_alert_v2.main), "server-errors")
    error_message = "The alert on the cap is there instead of the others."
  }
}

run "a_cap_that_stops_all_logs_is_refused" {
  command = plan

  variables {
    log_daily_cap_gb = 0
  }

  expect_failures = [var.log_daily_cap_gb]
}
