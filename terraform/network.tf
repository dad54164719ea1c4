# One virtual network. All allowed traffic of each subnet is listed here; all other traffic is denied.

locals {
  address_bits = tonumber(split("/", var.address_space)[1])

  # Elastic Premium asks for 100 free addresses in an app's subnet, which a /26 does not have, and a
  # subnet in use cannot grow: https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#private-network-connectivity
  subnets = {
    patient-tests-api = cidrsubnet(var.address_space, 25 - local.address_bits, 0)
    audit-api         = cidrsubnet(var.address_space, 25 - local.address_bits, 1)
    api-management    = cidrsubnet(var.address_space, 26 - local.address_bits, 4)
    private-endpoints = cidrsubnet(var.address_space, 26 - local.address_bits, 5)
  }

  # Every app reaches its vault, its storage and its database through the private endpoints. When a host
  # starts, and before it confirms a new key, it sends its triggers to the platform at its own public
  # name; if it cannot, keys cannot be written: SetTriggersAsync in
  # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Management/FunctionsSyncManager.cs,
  # https://github.com/Azure/Azure-Functions/issues/1950
  app_rules = {
    private-https = { direction = "Outbound", to = local.subnets.private-endpoints, ports = ["443"], why = "Key Vault and storage." }
    database      = { direction = "Outbound", to = local.subnets.private-endpoints, ports = ["10255"], why = "Cosmos DB for MongoDB." }
    app-service   = { direction = "Outbound", to = "AppService", ports = ["443"], why = "The host's own name. From the Patient API also the Audit API, over the service endpoint." }
    telemetry     = { direction = "Outbound", to = "AzureMonitor", ports = ["443"], why = "Application Insights ingestion." }
    tokens        = { direction = "Outbound", to = "AzureActiveDirectory", ports = ["443"], why = "Tokens of the managed identity, in case the platform requests them over the app's route." }
  }

  # In External mode this group is the filter for callers, and it sees their own addresses:
  # https://learn.microsoft.com/azure/api-management/virtual-network-concepts,
  # https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#azure-platform-considerations
  # The availability test comes from a tag that all of Azure's customers share; it sends a key as well:
  # https://learn.microsoft.com/azure/azure-monitor/app/availability#testing-behind-a-firewall
  client_ranges = length(var.allowed_client_ranges) == 0 ? null : var.allowed_client_ranges

  # API Management's own traffic: https://learn.microsoft.com/azure/api-management/virtual-network-reference,
  # the table and the notes below it. Certificates and updates come from content delivery networks, which
  # no tag covers; only an earlier version of the page gives the destination of port 12000. DNS and the
  # activation of Windows pass every group:
  # https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#azure-platform-considerations
  network_rules = {
    api-management = {
      callers        = { direction = "Inbound", from = "Internet", ranges = local.client_ranges, to = "VirtualNetwork", ports = ["443"], why = "Callers of the gateway." }
      availability   = { direction = "Inbound", from = "ApplicationInsightsAvailability", to = "VirtualNetwork", ports = ["443"], needed = local.client_ranges != null, why = "The availability test." }
      management     = { direction = "Inbound", from = "ApiManagement", to = "VirtualNetwork", ports = ["3443"], why = "The platform configures the service." }
      load-balancer  = { direction = "Inbound", from = "AzureLoadBalancer", to = "VirtualNetwork", ports = ["6390"], why = "The platform's health probe; without it Premium gets no traffic." }
      limits-in      = { direction = "Inbound", from = local.subnets.api-management, to = local.subnets.api-management, ports = ["4290"], protocol = "Udp", why = "Units share the counters of rate limits." }
      cache-in       = { direction = "Inbound", from = local.subnets.api-management, to = local.subnets.api-management, ports = ["6381-6383"], why = "Units share the cache." }
      limits-out     = { direction = "Outbound", from = local.subnets.api-management, to = local.subnets.api-management, ports = ["4290"], protocol = "Udp", why = "Units share the counters of rate limits." }
      cache-out      = { direction = "Outbound", from = local.subnets.api-management, to = local.subnets.api-management, ports = ["6381-6383"], why = "Units share the cache." }
      updates        = { direction = "Outbound", to = "Internet", ports = ["80", "443"], why = "Certificate revocation and chains, the platform's PKI, updates of Windows and Defender." }
      clock          = { direction = "Outbound", to = "Internet", ports = ["123"], protocol = "Udp", why = "NTP." }
      diagnostics    = { direction = "Outbound", to = "AzureCloud", ports = ["12000"], why = "Diagnostics of the service's machines." }
      storage        = { direction = "Outbound", to = "Storage", ports = ["443"], why = "The service's own storage." }
      configuration  = { direction = "Outbound", to = "Sql", ports = ["1433"], why = "The service's own configuration." }
      platform-vault = { direction = "Outbound", to = "AzureKeyVault", ports = ["443"], why = "The service's own secrets." }
      monitor        = { direction = "Outbound", to = "AzureMonitor", ports = ["443", "1886"], why = "Logs, metrics, Application Insights." }
      tokens         = { direction = "Outbound", to = "AzureActiveDirectory", ports = ["443"], why = "Tokens of the managed identity, signing keys of Entra ID." }
      patient-api    = { direction = "Outbound", to = "AppService", ports = ["443"], why = "The Patient API, over the service endpoint." }
      our-vault      = { direction = "Outbound", to = local.subnets.private-endpoints, ports = ["443"], why = "The key of the Patient API." }
    }

    patient-tests-api = local.app_rules
    audit-api         = local.app_rules

    private-endpoints = {
      api-management    = { direction = "Inbound", from = local.subnets.api-management, to = local.subnets.private-endpoints, ports = ["443"], why = "The vault." }
      patient-tests-api = { direction = "Inbound", from = local.subnets.patient-tests-api, to = local.subnets.private-endpoints, ports = ["443", "10255"], why = "Vault, storage, database." }
      audit-api         = { direction = "Inbound", from = local.subnets.audit-api, to = local.subnets.private-endpoints, ports = ["443", "10255"], why = "Vault, storage, database." }
    }
  }
}

resource "azurerm_virtual_network" "main" {
  name                = "vnet-${local.name}"
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  address_space       = [var.address_space]
  tags                = local.tags
}

resource "azurerm_subnet" "api_management" {
  #checkov:skip=CKV2_AZURE_31:azurerm_subnet_network_security_group_association.main covers every subnet, by for_each, which the check does not follow.

  name                 = "api-management"
  resource_group_name  = local.resource_group.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [local.subnets.api-management]

  # The Patient API's access restriction recognises this subnet by it.
  service_endpoint {
    service = "Microsoft.Web"
  }
}

resource "azurerm_subnet" "app" {
  #checkov:skip=CKV2_AZURE_31:azurerm_subnet_network_security_group_association.main covers every subnet, by for_each, which the check does not follow.

  for_each = local.apps

  name                 = each.key
  resource_group_name  = local.resource_group.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [local.subnets[each.key]]

  # The Audit API's access restriction recognises the Patient API's subnet by it.
  dynamic "service_endpoint" {
    for_each = each.key == "patient-tests-api" ? ["Microsoft.Web"] : []

    content {
      service = service_endpoint.value
    }
  }

  delegation {
    name = "functions"

    service_delegation {
      name    = "Microsoft.Web/serverFarms"
      actions = ["Microsoft.Network/virtualNetworks/subnets/action"]
    }
  }
}

resource "azurerm_subnet" "private_endpoints" {
  #checkov:skip=CKV2_AZURE_31:azurerm_subnet_network_security_group_association.main covers every subnet, by for_each, which the check does not follow.

  name                            = "private-endpoints"
  resource_group_name             = local.resource_group.name
  virtual_network_name            = azurerm_virtual_network.main.name
  address_prefixes                = [local.subnets.private-endpoints]
  default_outbound_access_enabled = false

  # Without it the rules below would not apply to private endpoints.
  private_endpoint_network_policies = "NetworkSecurityGroupEnabled"
}

locals {
  subnet_ids = merge(
    { for app, subnet in azurerm_subnet.app : app => subnet.id },
    {
      api-management    = azurerm_subnet.api_management.id
      private-endpoints = azurerm_subnet.private_endpoints.id
    },
  )
}

resource "azurerm_network_security_group" "main" {
  for_each = local.network_rules

  name                = "nsg-${each.key}-${local.name}"
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  tags                = local.tags
}

resource "azurerm_network_security_rule" "allow" {
  # A rule that is not needed keeps its priority, so that adding it later does not change the others.
  for_each = merge([
    for subnet, rules in local.network_rules : {
      for index, name in keys(rules) : "${subnet}/${name}" => merge(
        { subnet = subnet, name = name, priority = 100 + 10 * index, from = local.subnets[subnet], ranges = null, protocol = "Tcp" },
        rules[name],
      ) if try(rules[name].needed, true)
    }
  ]...)

  name                        = "allow-${each.value.name}"
  resource_group_name         = local.resource_group.name
  network_security_group_name = azurerm_network_security_group.main[each.value.subnet].name
  description                 = each.value.why
  priority                    = each.value.priority
  direction                   = each.value.direction
  access                      = "Allow"
  protocol                    = each.value.protocol
  source_address_prefix       = each.value.ranges == null ? each.value.from : null
  source_address_prefixes     = each.value.ranges
  source_port_range           = "*"
  destination_address_prefix  = each.value.to
  destination_port_ranges     = each.value.ports
}

# Azure's default rules allow everything within the network and everything outwards.
resource "azurerm_network_security_rule" "deny" {
  for_each = {
    for pair in setproduct(keys(local.network_rules), ["Inbound", "Outbound"]) :
    "${pair[0]}/${pair[1]}" => { subnet = pair[0], direction = pair[1] }
  }

  name                        = "deny-all-else-${lower(each.value.direction)}"
  resource_group_name         = local.resource_group.name
  network_security_group_name = azurerm_network_security_group.main[each.value.subnet].name
  description                 = "Denies all traffic that is not listed."
  priority                    = 4096
  direction                   = each.value.direction
  access                      = "Deny"
  protocol                    = "*"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "*"
}

# After the rules, so that no subnet is cut off by an incomplete group.
resource "azurerm_subnet_network_security_group_association" "main" {
  for_each = local.network_rules

  subnet_id                 = local.subnet_ids[each.key]
  network_security_group_id = azurerm_network_security_group.main[each.key].id

  depends_on = [azurerm_network_security_rule.allow, azurerm_network_security_rule.deny]
}
