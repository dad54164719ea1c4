# What nobody deletes by mistake. A lock holds against every role until somebody who has
# Microsoft.Authorization/locks/* takes it away: Owner, User Access Administrator or Locks
# Contributor, but not Contributor.
#
# It stops deletions by the management plane, of the resource and of all that hangs on it: private
# endpoints, role assignments, diagnostic settings, collections. It stops no deletion of data, no
# change and no rotation of keys:
# https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources

locals {
  locked = merge(
    {
      vault            = azurerm_key_vault.main.id
      workspace        = azurerm_log_analytics_workspace.main.id
      register-storage = azurerm_storage_account.host["audit-api"].id
    },
    # Account keys cannot go around these: access_key_metadata_writes_enabled is false,
    # https://learn.microsoft.com/azure/cosmos-db/resource-locks
    { for app, account in azurerm_cosmosdb_account.main : "database-${app}" => account.id },
  )
}

resource "azurerm_management_lock" "main" {
  for_each = { for name, scope in local.locked : name => scope if var.locks }

  name       = "no-deletion"
  scope      = each.value
  lock_level = "CanNotDelete"
  notes      = "Patient records: apply with locks = false before anything here is deleted."

  # Made last, so that a destroy takes them away first:
  # https://github.com/hashicorp/terraform-provider-azurerm/issues/17478
  depends_on = [
    azurerm_cosmosdb_mongo_collection.main,
    azurerm_monitor_diagnostic_setting.main,
    azurerm_private_endpoint.main,
    azurerm_role_assignment.app,
    azurerm_role_assignment.secret_reader,
  ]
}
