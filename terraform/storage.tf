# Host storage of each app, and the account of the packages.

# Only blobs: HTTP triggers need no queues, and the host's diagnostic events (table) go to
# Application Insights as well.
resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. Its contents can be recreated: host locks, rotating keys.
  #checkov:skip=CKV_AZURE_36:No Microsoft service needs access; the apps use private endpoints.
  #checkov:skip=CKV_AZURE_33:No queue exists in this account.
  #checkov:skip=CKV2_AZURE_1:Encrypted with Microsoft-managed keys; see the databases.

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

# An account for the code only, separate from the host storage with the function keys. Reading it needs a
# role: it has no keys and no anonymous access. By default it is reachable from every network, because
# App Service downloads a package before the app starts. No document says that this uses the app's network
# integration (similar traffic does not), and by reports apps that depend on it do not start. An open
# account works either way: by its public name from the platform's network, by its private endpoint over
# the integration. packages_private closes it: docs/unverified.md.
# https://learn.microsoft.com/azure/app-service/deploy-run-package#access-a-package-in-azure-blob-storage-using-a-managed-identity
# https://learn.microsoft.com/azure/app-service/configure-vnet-integration-routing#configure-configuration-routing
# https://github.com/Azure/Azure-Functions/issues/1377, https://github.com/Azure/Azure-Functions/issues/1349
resource "azurerm_storage_account" "packages" {
  #checkov:skip=CKV_AZURE_59:It holds only code, and only the apps' identities have a role. packages_private closes it; see above.
  #checkov:skip=CKV_AZURE_35:See CKV_AZURE_59.
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. The packages can be built again.
  #checkov:skip=CKV_AZURE_36:No exception for Microsoft services: the apps use their own identities.
  #checkov:skip=CKV_AZURE_33:No queue exists in this account.
  #checkov:skip=CKV2_AZURE_1:Encrypted with Microsoft-managed keys; see the databases.

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
  public_network_access_enabled   = !var.packages_private || length(var.package_upload_addresses) > 0
  tags                            = local.tags

  network_rules {
    default_action = var.packages_private ? "Deny" : "Allow"
    bypass         = ["None"]
    ip_rules       = var.packages_private ? var.package_upload_addresses : []
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
