# Both apps and their identities. The roles of the identities are in roles.tf.

locals {
  app_settings = {
    patient-tests-api = {
      MONGO_CONNECTION_STRING_SECRET_URI = local.secret_uris["patient-database"]
      PATIENT_TESTS_DATABASE             = local.database_names["patient-tests-api"]
      AUDIT_API_URL                      = "https://${local.app_names["audit-api"]}.azurewebsites.net/api/auditrecord"
      AUDIT_API_KEY_SECRET_URI           = local.secret_uris["audit-api-key"]
      AUDIT_API_READING_KEY_SECRET_URI   = local.secret_uris["audit-api-reading-key"]
      PURPOSE_OF_USE                     = var.purpose_of_use
    }
    audit-api = {
      MONGO_CONNECTION_STRING_SECRET_URI = local.secret_uris["audit-database"]
      AUDIT_DATABASE                     = local.database_names["audit-api"]
    }
  }

  # The only subnet that may call each app.
  caller_subnet_ids = {
    patient-tests-api = azurerm_subnet.api_management.id
    audit-api         = azurerm_subnet.app["patient-tests-api"].id
  }
}

# User-assigned, so that its roles exist before the app starts for the first time.
resource "azurerm_user_assigned_identity" "app" {
  for_each = local.apps

  name                = each.value.identity
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  tags                = local.tags
}

module "function_app" {
  source   = "./modules/function_app"
  for_each = local.apps

  name                = local.app_names[each.key]
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  tags                = local.tags

  plan_sku       = var.function_plan_sku
  instances      = var.instances
  zone_redundant = var.zone_redundant

  identity = {
    id        = azurerm_user_assigned_identity.app[each.key].id
    client_id = azurerm_user_assigned_identity.app[each.key].client_id
  }

  integration_subnet_id = azurerm_subnet.app[each.key].id
  caller_subnet_id      = local.caller_subnet_ids[each.key]

  host_storage_account_name              = azurerm_storage_account.host[each.key].name
  package_url                            = "${azurerm_storage_account.packages.primary_blob_endpoint}${azurerm_storage_container.package[each.key].name}/${var.packages[each.key]}"
  application_insights_connection_string = azurerm_application_insights.main.connection_string

  app_settings = merge(local.app_settings[each.key], {
    RUST_LOG                 = var.log_level
    TELEMETRY_SAMPLING_RATIO = tostring(var.telemetry_sampling_ratio)
  })

  # An app needs these at its first start; it reads secrets later, and keeps trying.
  depends_on = [
    azurerm_private_endpoint.main,
    azurerm_private_dns_zone_virtual_network_link.main,
    azurerm_role_assignment.app,
    azurerm_subnet_network_security_group_association.main,
  ]
}
