# The vault. The readers of each secret are in roles.tf.

locals {
  secret_names = concat(values(local.database_secrets), keys(local.function_keys))

  # Without a version, so that readers get the newest one.
  secret_uris = { for name in local.secret_names : name => "${azurerm_key_vault.main.vault_uri}secrets/${name}" }
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
