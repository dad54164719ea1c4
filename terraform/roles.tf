# All role assignments, because assigning roles is a right that the deploying identity may lack: with
# assign_roles = false the outputs list the same roles, and somebody else assigns them with
# scripts/assign-roles.
#
# Three maps and three resources, because Terraform orders resources and not their instances: packages
# are uploaded first, the apps need their roles at their first start, and the secrets come after the apps.

locals {
  publisher_roles = {
    for id in var.package_publishers : "packages/${id}" => {
      scope          = azurerm_storage_account.packages.id
      role           = "Storage Blob Data Contributor"
      principal_id   = id
      principal_type = null # a user, a group or a service principal
      description    = "Uploads packages."
    }
  }

  app_roles = merge(
    # The Functions host requires Data Owner on its own storage:
    # https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
    {
      for app in keys(local.apps) : "host-storage/${app}" => {
        scope          = azurerm_storage_account.host[app].id
        role           = "Storage Blob Data Owner"
        principal_id   = azurerm_user_assigned_identity.app[app].principal_id
        principal_type = "ServicePrincipal"
        description    = "Host storage of ${app}."
      }
    },
    {
      for app in keys(local.apps) : "package/${app}" => {
        scope          = azurerm_storage_container.package[app].id
        role           = "Storage Blob Data Reader"
        principal_id   = azurerm_user_assigned_identity.app[app].principal_id
        principal_type = "ServicePrincipal"
        description    = "Code of ${app}."
      }
    },
  )

  # Secret → its readers. Roles are assigned on single secrets, never on the vault.
  secret_readers = {
    patient-database      = { patient-tests-api = azurerm_user_assigned_identity.app["patient-tests-api"].principal_id }
    audit-database        = { audit-api = azurerm_user_assigned_identity.app["audit-api"].principal_id }
    patient-api-key       = { api-management = azurerm_api_management.main.identity[0].principal_id }
    audit-api-key         = { patient-tests-api = azurerm_user_assigned_identity.app["patient-tests-api"].principal_id }
    audit-api-reading-key = { patient-tests-api = azurerm_user_assigned_identity.app["patient-tests-api"].principal_id }
  }

  secret_roles = merge([
    for secret, readers in local.secret_readers : {
      for reader, principal_id in readers : "${secret}/${reader}" => {
        scope          = "${azurerm_key_vault.main.id}/secrets/${secret}"
        role           = "Key Vault Secrets User"
        principal_id   = principal_id
        principal_type = "ServicePrincipal"
        description    = "Reads ${secret}, and nothing else."
      }
    }
  ]...)
}

resource "azurerm_role_assignment" "package_publisher" {
  for_each = { for key, role in local.publisher_roles : key => role if var.assign_roles }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal_id
  principal_type       = each.value.principal_type
  description          = each.value.description
}

resource "azurerm_role_assignment" "app" {
  for_each = { for key, role in local.app_roles : key => role if var.assign_roles }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal_id
  principal_type       = each.value.principal_type
  description          = each.value.description
}

resource "azurerm_role_assignment" "secret_reader" {
  for_each = { for key, role in local.secret_roles : key => role if var.assign_roles }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal_id
  principal_type       = each.value.principal_type
  description          = each.value.description

  # No document says that Azure accepts a role on a secret that does not exist yet.
  depends_on = [azapi_resource.database_secret, azapi_resource.function_key]
}
