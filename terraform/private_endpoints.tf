# Private endpoints and DNS zones of the services that the apps and API Management use.

locals {
  private_dns_zones = {
    vault    = "privatelink.vaultcore.azure.net"
    blob     = "privatelink.blob.core.windows.net"
    database = "privatelink.mongo.cosmos.azure.com"
  }

  private_endpoints = merge(
    {
      vault    = { zone = "vault", subresource = "vault", target = azurerm_key_vault.main.id }
      packages = { zone = "blob", subresource = "blob", target = azurerm_storage_account.packages.id }
    },
    { for app, account in azurerm_storage_account.host : "host-${app}" => { zone = "blob", subresource = "blob", target = account.id } },
    { for app, account in azurerm_cosmosdb_account.main : "database-${app}" => { zone = "database", subresource = "MongoDB", target = account.id } },
  )
}

resource "azurerm_private_dns_zone" "main" {
  for_each = local.private_dns_zones

  name                = each.value
  resource_group_name = local.resource_group.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "main" {
  for_each = local.private_dns_zones

  name                = each.key
  private_dns_zone_id = azurerm_private_dns_zone.main[each.key].id
  virtual_network_id  = azurerm_virtual_network.main.id
  tags                = local.tags
}

resource "azurerm_private_endpoint" "main" {
  for_each = local.private_endpoints

  name                          = "pe-${each.key}-${local.name}"
  resource_group_name           = local.resource_group.name
  location                      = local.resource_group.location
  subnet_id                     = azurerm_subnet.private_endpoints.id
  custom_network_interface_name = "nic-${each.key}-${local.name}"
  tags                          = local.tags

  private_service_connection {
    name                           = each.key
    is_manual_connection           = false
    private_connection_resource_id = each.value.target
    subresource_names              = [each.value.subresource]
  }

  private_dns_zone_group {
    name                 = each.value.zone
    private_dns_zone_ids = [azurerm_private_dns_zone.main[each.value.zone].id]
  }
}
