# The workspace, Application Insights, the availability test and the workbook.

resource "azurerm_log_analytics_workspace" "main" {
  name                         = "log-${local.name}"
  resource_group_name          = local.resource_group.name
  location                     = local.resource_group.location
  sku                          = "PerGB2018"
  retention_in_days            = var.log_retention_days
  daily_quota_gb               = var.log_daily_cap_gb
  local_authentication_enabled = false
  tags                         = local.tags
}

resource "azurerm_application_insights" "main" {
  name                = "appi-${local.name}"
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  workspace_id        = azurerm_log_analytics_workspace.main.id
  application_type    = "other"
  ip_masking_enabled  = true
  tags                = local.tags

  # A second cap beside the workspace's, 100 GB by default. The smaller one applies, and only the
  # workspace logs that its cap was reached.
  # https://learn.microsoft.com/azure/azure-monitor/logs/daily-cap#application-insights
  daily_data_cap_in_gb = var.log_daily_cap_gb

  # The apps' exporter authenticates with the connection string only, which can write telemetry but not
  # read it. With local authentication off it would be refused.
  local_authentication_enabled = true
}

locals {
  # Resource → its log categories. Cosmos DB's request logs stay off: they can contain the values of
  # queries. Metrics stay with the platform, where the alerts read them.
  #
  # `dedicated`: only these two offer a choice between a table of their own and AzureDiagnostics.
  # The others accept the setting and read back null, so that every plan would show a change (Key
  # Vault: https://github.com/Azure/azure-rest-api-specs/issues/22400, App Service: .../issues/9281).
  # Apps and storage have tables of their own anyway; Key Vault's is AZKVAuditLogs or AzureDiagnostics.
  diagnostics = merge(
    {
      api-management = { target = azurerm_api_management.main.id, logs = ["GatewayLogs"], dedicated = true }
      key-vault      = { target = azurerm_key_vault.main.id, logs = ["AuditEvent"] }
    },
    { for app, account in azurerm_cosmosdb_account.main : "database-${app}" => { target = account.id, logs = ["ControlPlaneRequests"], dedicated = true } },
    { for app, function_app in module.function_app : app => { target = function_app.id, logs = ["FunctionAppLogs"] } },
    {
      for name, account in merge(azurerm_storage_account.host, { packages = azurerm_storage_account.packages }) :
      "blobs-${name}" => { target = "${account.id}/blobServices/default", logs = ["StorageRead", "StorageWrite", "StorageDelete"] }
    },
  )
}

resource "azurerm_monitor_diagnostic_setting" "main" {
  for_each = local.diagnostics

  name                           = "to-workspace"
  target_resource_id             = each.value.target
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.main.id
  log_analytics_destination_type = try(each.value.dedicated, false) ? "Dedicated" : null

  dynamic "enabled_log" {
    for_each = each.value.logs

    content {
      category = enabled_log.value
    }
  }
}

locals {
  # The ids differ from those of regions: West Europe, North Europe, UK South, France Central, East US.
  # https://learn.microsoft.com/azure/azure-monitor/app/availability#location-population-tags
  availability_locations = ["emea-nl-ams-azr", "emea-gb-db3-azr", "emea-ru-msa-edge", "emea-fr-pra-edge", "us-va-ash-azr"]
}

# Tests the whole chain from outside: certificate, gateway, host, app, vault and database.
resource "azurerm_application_insights_standard_web_test" "gateway" {
  count = var.availability_test ? 1 : 0

  name                    = "health-${local.name}"
  resource_group_name     = local.resource_group.name
  location                = local.resource_group.location
  application_insights_id = azurerm_application_insights.main.id
  description             = "GET /health through the gateway."
  enabled                 = true # azurerm's default is off
  frequency               = 300
  timeout                 = 30
  retry_enabled           = true # three failures in a row count as one
  geo_locations           = local.availability_locations
  tags                    = local.tags

  request {
    url                              = "${local.gateway_url}/health"
    follow_redirects_enabled         = false
    parse_dependent_requests_enabled = false

    header {
      name  = "Ocp-Apim-Subscription-Key"
      value = azurerm_api_management_subscription.main["monitoring"].primary_key
    }
  }

  validation_rules {
    expected_status_code        = 200
    ssl_check_enabled           = true
    ssl_cert_remaining_lifetime = 7
  }

  depends_on = [azurerm_api_management_api_policy.patient, azurerm_api_management_custom_domain.main, azurerm_api_management_product_api.main]
}

resource "azurerm_application_insights_workbook" "main" {
  name                = uuidv5("dns", "${local.name}.patient-records.workbook") # must be a UUID
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  display_name        = "Patient records (${var.environment})"
  source_id           = lower(azurerm_application_insights.main.id)
  tags                = local.tags

  data_json = jsonencode({
    version = "Notebook/1.0"
    items = [for title, query in local.workbook_queries : {
      type = 3
      name = title
      content = {
        version      = "KqlItem/1.0"
        title        = title
        query        = query
        size         = 0
        queryType    = 0
        resourceType = "microsoft.insights/components"
        timeContext  = { durationMs = 86400000 }
      }
    }]
  })
}

locals {
  # The hosts and API Management report the same requests, but only the apps know the real status.
  own_requests = "requests | where cloud_RoleName in ('patient-tests-api', 'audit-api')"
  own_calls    = "dependencies | where cloud_RoleName in ('patient-tests-api', 'audit-api')"
  workbook_queries = {
    "Requests and failures by function"         = "${local.own_requests} | summarize count(), failed = countif(success == false) by name, bin(timestamp, 15m) | render timechart"
    "Latency in milliseconds, p50, p95 and p99" = "${local.own_requests} | summarize percentiles(duration, 50, 95, 99) by bin(timestamp, 15m) | render timechart"
    "Responses by status and problem"           = "${local.own_requests} | summarize count() by name, resultCode, tostring(customDimensions.problem) | order by count_ desc"
    "Failures with their causes"                = "exceptions | where cloud_RoleName in ('patient-tests-api', 'audit-api') | summarize count() by type, outerMessage | order by count_ desc"
    "Calls to databases and the register"       = "${local.own_calls} | summarize count(), failed = countif(success == false), percentile(duration, 95) by name, target, type | order by count_ desc"
    "Operations that took several attempts"     = "${local.own_calls} | where customDimensions.attempts != '' | summarize count(), sum(toint(customDimensions.attempts)) by name, target, bin(timestamp, 15m)"
  }
}
