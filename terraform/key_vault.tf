# The vault, and who may read which secret in it.

locals {
  # Secret → who reads it. Roles are given on single secrets, never on the vault.
  secret_readers = {
    patient-database = { patient-tests-api = azurerm_user_assigned_identity.app["patient-tests-api"].principal_id }
    audit-database   = { audit-api = azurerm_user_assigned_identity.app["audit-api"].principal_id }
    patient-api-key  = { api-management = azurerm_api_management.main.identity[0].principal_id }
    audit-api-key    = { patient-tests-api = azurerm_user_assigned_identity.app["patient-tests-api"].principal_id }
  }

  # Without a version: readers get the newest one.
  secret_uris = { for name in keys(local.secret_readers) : name => "${azurerm_key_vault.main.vault_uri}secrets/${name}" }
}

resource "azurerm_key_vault" "main" {
  name                          = "kv-${var.environment}-${local.suffix}"
  resource_group_name           = local.resource_group.name
  location                      = local.resource_group.location
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = false
  tags                          = local.tags

  network_acls {
    default_action = "Deny"
    bypass         = "None"
  }
}

resource "azurerm_role_assignment" "secret_reader" {
  for_each = merge([
    for secret, readers in local.secret_readers : {
      for reader, principal in readers : "${secret}/${reader}" => { secret = secret, principal = principal }
    }
  ]...)

  scope                = "${azurerm_key_vault.main.id}/secrets/${each.value.secret}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = each.value.principal
  principal_type       = "ServicePrincipal"
  description          = "Reads ${each.value.secret}, and nothing else."

  depends_on = [azapi_resource.database_secret, azapi_resource.host_key]
}
