# Host storage of each app, and the account with the packages.

# Only blobs: HTTP triggers need no queues, and the host's diagnostic events (table) go to
# Application Insights as well.
resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. What is in it can be made again: host locks, keys that rotate.
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

# An account for the code alone, apart from the host storage with the function keys. Without a role
# nobody gets anything from it: it has no keys and no anonymous access. By default every network may
# ask, because App Service downloads a package before the app starts, no document says that this goes
# over the app's integration (other traffic of that kind does not), and apps that needed it to are
# reported not to start. An open account works either way: by its public name from the platform's
# network, by its private endpoint over the integration. packages_private closes it, for who has tried.
# https://learn.microsoft.com/azure/app-service/deploy-run-package#access-a-package-in-azure-blob-storage-using-a-managed-identity
# https://learn.microsoft.com/azure/app-service/configure-vnet-integration-routing#configure-configuration-routing
# https://github.com/Azure/Azure-Functions/issues/1377, https://github.com/Azure/Azure-Functions/issues/1349
resource "azurerm_storage_account" "packages" {
  #checkov:skip=CKV_AZURE_59:Nothing but code is here, for which only the apps' identities have a role. packages_private closes it; see above.
  #checkov:skip=CKV_AZURE_35:As before.
  #checkov:skip=CKV_AZURE_206:The variable zone_redundant makes it ZRS. The packages can be built again.
  #checkov:skip=CKV_AZURE_36:No exception for services of Microsoft: the apps come as themselves.
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
