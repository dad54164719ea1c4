# One Cosmos DB account per app: a key is valid for the whole account, so an account of its own keeps
# each app away from the other's data.

locals {
  collections = merge([
    for app, database in local.databases : {
      for collection in database.collections : "${app}/${collection.name}" => merge(collection, { app = app })
    }
  ]...)
}

resource "azurerm_cosmosdb_account" "main" {
  #checkov:skip=CKV_AZURE_100:Encrypted with Microsoft-managed keys. A customer-managed key would need access to the vault for the platform, and losing it would lose the register.

  for_each = local.apps

  name                = "cosmos-${each.key}-${var.environment}-${local.suffix}"
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  kind                = "MongoDB"
  offer_type          = "Standard"
  tags                = local.tags

  mongo_server_version = "7.0"
  minimal_tls_version  = "Tls12"

  public_network_access_enabled         = false
  network_acl_bypass_for_azure_services = false
  # Only Terraform changes collections and indexes.
  access_key_metadata_writes_enabled = false

  # Strong: a record that one instance deleted must be gone for every other instance at once. Session
  # consistency promises that only within one session, and MongoDB drivers pass no session token from
  # one instance to another. In one region it doubles the request units of reads, not of writes.
  consistency_policy {
    consistency_level = "Strong"
  }

  geo_location {
    location          = local.resource_group.location
    failover_priority = 0
    zone_redundant    = var.database_zone_redundant
  }

  capabilities {
    name = "EnableMongo"
  }

  backup {
    type = "Continuous"
    tier = var.database_backup_tier
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_cosmosdb_mongo_database" "main" {
  for_each = local.databases

  name                = local.database_names[each.key]
  resource_group_name = local.resource_group.name
  account_name        = azurerm_cosmosdb_account.main[each.key].name

  # Shared by the collections of the database.
  autoscale_settings {
    max_throughput = var.database_throughput_max
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_cosmosdb_mongo_collection" "main" {
  for_each = local.collections

  name                = each.value.name
  resource_group_name = local.resource_group.name
  account_name        = azurerm_cosmosdb_account.main[each.value.app].name
  database_name       = azurerm_cosmosdb_mongo_database.main[each.value.app].name
  shard_key           = each.value.shardKey

  # Cosmos DB creates this index only on request, and pages are sorted by it.
  index {
    keys   = ["_id"]
    unique = true
  }

  dynamic "index" {
    for_each = each.value.indexes

    content {
      keys = index.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
