# Host storage of each app, and the account with the packages.

# Only blobs: HTTP triggers need no queues, and the host's diagnostic events (table) go to
# Application Insights as well.
resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. What is in it can be made again: packages, host locks, keys that rotate.
  #checkov:skip=CKV_AZURE_36:No service of Microsoft needs in; the apps come through private endpoints.
  #checkov:skip=CKV_AZURE_33:No queue exists in this account.
  #checkov:skip=CKV2_AZURE_1:Encrypted with keys of Microsoft; see the databases.

  for_each = local.apps

  name                            = each.value.storage
  resource_group_name             = local.resource_group.name
  location                        = local.resource_group.location
  account_tier                    = "Standard"
  account_replication_type        = var.zone_redundant ? "ZRS" : "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  public_network_access_enabled   = false
  tags                            = local.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
  }

  blob_properties {
    delete_retention_policy {
      days = 7
    }
  }
}

# Apart from the host storage, which holds the function keys: this account is opened for single
# addresses while packages are uploaded.
resource "azurerm_storage_account" "packages" {
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. What is in it can be made again: packages, host locks, keys that rotate.
  #checkov:skip=CKV_AZURE_36:No service of Microsoft needs in; the apps come through private endpoints.
  #checkov:skip=CKV_AZURE_33:No queue exists in this account.
  #checkov:skip=CKV2_AZURE_1:Encrypted with keys of Microsoft; see the databases.

  name                            = "stpackages${var.environment}${local.suffix}"
  resource_group_name             = local.resource_group.name
  location                        = local.resource_group.location
  account_tier                    = "Standard"
  account_replication_type        = var.zone_redundant ? "ZRS" : "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  public_network_access_enabled   = length(var.package_upload_addresses) > 0
  tags                            = local.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
    ip_rules       = var.package_upload_addresses
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 7
    }

    container_delete_retention_policy {
      days = 7
    }
  }
}

resource "azurerm_storage_container" "package" {
  #checkov:skip=CKV2_AZURE_21:Reads are logged by the diagnostic settings of monitoring.tf, which the check does not know.

  for_each = local.apps

  name                  = each.key
  storage_account_id    = azurerm_storage_account.packages.id
  container_access_type = "private"
}
