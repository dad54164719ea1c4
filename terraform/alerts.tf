# What an operator gets up for. docs/deployment.md says what to do about each.

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
      vault-denials = {
        description = "Key Vault refuses someone: a role is missing, or someone tries doors."
        severity    = 1
        target      = azurerm_key_vault.main.id
        namespace   = "Microsoft.KeyVault/vaults"
        metric      = "ServiceApiResult"
        aggregation = "Count"
        threshold   = 5
        dimension   = { name = "StatusCode", values = ["401", "403"] }
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

  # Statuses are those that were sent; what never reached the register only its caller tells.
  query_alerts = {
    server-errors = {
      description = "More than one in a hundred calls through the gateway ends with 5xx, and at least five."
      severity    = 1
      query       = "ApiManagementGatewayLogs | summarize calls = count(), failed = countif(ResponseCode >= 500) | where failed >= 5 and failed * 100 > calls"
    }
    audit-failures = {
      description = "The audit register refuses or fails: nothing is disclosed and nothing is written meanwhile."
      severity    = 0
      query       = "union (AppRequests | where Name == 'CreateAuditRecord' and toint(ResultCode) >= 400), (AppDependencies | where Name == 'POST auditrecord' and Success == false)"
    }
    host-key-refused = {
      description = "The Patient API's host refuses the gateway's key after it was fetched again: vault and host disagree. Rotate (host_key_rotation)."
      severity    = 1
      query       = "ApiManagementGatewayLogs | where BackendResponseCode == 401"
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

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "main" {
  for_each = merge(local.query_alerts, local.cap_alerts)

  name                 = "alert-${each.key}-${local.name}"
  resource_group_name  = local.resource_group.name
  location             = local.resource_group.location
  scopes               = [azurerm_log_analytics_workspace.main.id]
  description          = each.value.description
  severity             = each.value.severity
  evaluation_frequency = "PT5M"
  window_duration      = "PT15M"
  # The tables appear with their first row, so the queries cannot be checked before.
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
