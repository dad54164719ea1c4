# Locks against deletion by mistake. A lock applies to every role until somebody with
# Microsoft.Authorization/locks/* removes it: Owner, User Access Administrator or Locks
# Contributor, but not Contributor.
#
# It prevents deletion through the management plane, of the resource and of its children: private
# endpoints, role assignments, diagnostic settings, collections. It does not prevent deletion of data,
# changes or key rotation:
# https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources

locals {
  locked = merge(
    {
      vault            = azurerm_key_vault.main.id
      workspace        = azurerm_log_analytics_workspace.main.id
      register-storage = azurerm_storage_account.host["audit-api"].id
    },
    # Account keys cannot bypass these: access_key_metadata_writes_enabled is false,
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

  # Created last, so that a destroy removes them first:
  # https://github.com/hashicorp/terraform-provider-azurerm/issues/17478
  depends_on = [
    azurerm_cosmosdb_mongo_collection.main,
    azurerm_monitor_diagnostic_setting.main,
    azurerm_private_endpoint.main,
    azurerm_role_assignment.app,
    azurerm_role_assignment.secret_reader,
  ]
}
