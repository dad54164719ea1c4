# Alerts. docs/operations.md says what each means and what to do.
#
# Metrics and their dimensions are named as in
# https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/metrics-index, columns
# as in https://learn.microsoft.com/azure/azure-monitor/reference/tables-index.

locals {
  metric_alerts = merge(
    {
      latency = {
        description = "A request takes more than two seconds on average."
        severity    = 2
        target      = azurerm_api_management.main.id
        namespace   = "Microsoft.ApiManagement/service"
        metric      = "Duration"
        aggregation = "Average"
        threshold   = 2000
      }
    },
    {
      for app, account in azurerm_cosmosdb_account.main : "throttling-${app}" => {
        description = "The database of ${app} throttles (error 16500): raise database_throughput_max."
        severity    = 2
        target      = account.id
        namespace   = "Microsoft.DocumentDB/databaseAccounts"
        metric      = "MongoRequests"
        aggregation = "Count"
        threshold   = 20
        dimension   = { name = "ErrorCode", values = ["16500"] }
      }
    },
    {
      for app, function_app in module.function_app : "health-${app}" => {
        description = "Instances of ${app} fail their health check."
        severity    = 1
        target      = function_app.id
        namespace   = "Microsoft.Web/sites"
        metric      = "HealthCheckStatus"
        aggregation = "Average"
        operator    = "LessThan"
        threshold   = 100
      }
    },
  )

  # Refusals by caller. A 401 does not count: every client begins without a token and gets one.
  # Neither does Terraform's own 403: it asks for `certificates/contacts` at each refresh, from
  # outside the network (azurerm, key_vault_resource.go). An app without its role retries every
  # minute, the gateway at every call; a person who opens the vault in the portal stays below five.
  #
  # AuditEvent goes to one of two tables, which cannot be chosen (monitoring.tf). Columns of
  # AzureDiagnostics with a suffix appear with the first row that has them.
  vault_denials = <<-QUERY
    union isfuzzy=true
      (AZKVAuditLogs
        | project Status = HttpStatusCode, Uri = RequestUri, Caller = tostring(Identity.claim.oid), Address = CallerIpAddress),
      (AzureDiagnostics
        | where ResourceProvider == 'MICROSOFT.KEYVAULT'
        | project Status = toint(column_ifexists('httpStatusCode_d', 0)), Uri = tostring(column_ifexists('requestUri_s', '')), Caller = tostring(column_ifexists('identity_claim_oid_g', '')), Address = CallerIPAddress)
    | where Status == 403 and Uri !contains '/certificates/contacts'
    | summarize Denials = count() by Caller, Address
    | where Denials > 5
  QUERY

  # By the user of the token, else by the subscription: the apps' requests have these ids. Only reads of
  # one patient count; what a search returned is in the audit register.
  many_patients = <<-QUERY
    AppRequests
      | where AppRoleName == 'patient-tests-api' and Name startswith 'Load' and toint(ResultCode) < 400
      | extend Patient = tostring(Properties['patient.id'])
      | extend User = tostring(Properties['caller.user']), Subscription = tostring(Properties['caller.subscription'])
      | where isnotempty(Patient)
      | summarize Patients = dcount(Patient) by User, Subscription
      | where Patients > ${var.patients_per_hour_max}
  QUERY

  # The register's own statuses; a call that never reached it is known to its caller only.
  # `union` of named tables: the document says that rules with `union` cannot be created; by reports
  # the service refuses only `search` and `union *`:
  # https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-query,
  # https://github.com/Azure/Azure-Sentinel/issues/1437
  query_alerts = {
    server-errors = {
      description = "More than 1 % of the calls through the gateway end with 5xx, and at least five."
      severity    = 1
      query       = "ApiManagementGatewayLogs | summarize calls = count(), failed = countif(ResponseCode >= 500) | where failed >= 5 and failed * 100 > calls"
    }
    audit-failures = {
      description = "The audit register refuses records or fails: nothing is disclosed or written meanwhile."
      severity    = 0
      query       = "union (AppRequests | where Name in ('CreateAuditRecord', 'CreateAuditRecords') and toint(ResultCode) >= 400), (AppDependencies | where Name == 'POST auditrecord' and Success == false)"
    }
    host-key-refused = {
      description = "The Patient API's host refuses the gateway's key after it was read again: vault and host hold different keys. Rotate (function_key_rotation)."
      severity    = 1
      query       = "ApiManagementGatewayLogs | where BackendResponseCode == 401"
    }
    unannounced-writes = {
      description = "Patient data was written past the app: a version has no announcement in the audit register."
      severity    = 0
      query       = "AppMetrics | where Name == 'reconciliation.findings' and Sum > 0"
    }
    reconciliation-late = {
      description = "Writes have not been reconciled with the audit register for an hour."
      severity    = 1
      window      = "PT1H"
      query       = "AppMetrics | where Name == 'reconciliation.lag' | summarize nearest = min(Min) | where isnull(nearest) or nearest > 3600000"
    }
    emergency-access = {
      description = "Somebody gave an emergency (ETREAT) as the purpose of a request: review it."
      severity    = 2
      query       = "AppMetrics | where Name == 'purpose.emergency' and Sum > 0"
    }
    many-patients = {
      description = "One caller has read more than ${var.patients_per_hour_max} different patients in an hour."
      severity    = 2
      window      = "PT1H"
      query       = local.many_patients
    }
    vault-denials = {
      description = "Key Vault refused one caller more than five times: a role is missing, or somebody is probing."
      severity    = 1
      query       = local.vault_denials
    }
  }
}

resource "azurerm_monitor_action_group" "operators" {
  name                = "ag-${local.name}"
  resource_group_name = local.resource_group.name
  short_name          = "patientrec"
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails

    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_metric_alert" "main" {
  for_each = local.metric_alerts

  name                = "alert-${each.key}-${local.name}"
  resource_group_name = local.resource_group.name
  scopes              = [each.value.target]
  description         = each.value.description
  severity            = each.value.severity
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = local.tags

  criteria {
    metric_namespace = each.value.namespace
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = try(each.value.operator, "GreaterThan")
    threshold        = each.value.threshold

    dynamic "dimension" {
      for_each = try([each.value.dimension], [])

      content {
        name     = dimension.value.name
        operator = "Include"
        values   = dimension.value.values
      }
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.operators.id
  }
}

resource "azurerm_monitor_metric_alert" "availability" {
  count = var.availability_test ? 1 : 0

  name                = "alert-availability-${local.name}"
  resource_group_name = local.resource_group.name
  scopes              = [azurerm_application_insights_standard_web_test.gateway[0].id, azurerm_application_insights.main.id]
  description         = "Two of five locations get no 200 from /health, or the gateway's certificate expires within a week."
  severity            = 0
  frequency           = "PT1M"
  window_size         = "PT5M"
  tags                = local.tags

  application_insights_web_test_location_availability_criteria {
    web_test_id           = azurerm_application_insights_standard_web_test.gateway[0].id
    component_id          = azurerm_application_insights.main.id
    failed_location_count = 2
  }

  action {
    action_group_id = azurerm_monitor_action_group.operators.id
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "main" {
  for_each = merge(local.query_alerts, local.cap_alerts)

  name                 = "alert-${each.key}-${local.name}"
  resource_group_name  = local.resource_group.name
  location             = local.resource_group.location
  scopes               = [azurerm_log_analytics_workspace.main.id]
  description          = each.value.description
  severity             = each.value.severity
  evaluation_frequency = "PT5M"
  window_duration      = try(each.value.window, "PT15M")
  # Tables are created with their first row, so the queries cannot be validated before that.
  skip_query_validation   = true
  auto_mitigation_enabled = true
  tags                    = local.tags

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0
  }

  action {
    action_groups = [azurerm_monitor_action_group.operators.id]
  }
}
