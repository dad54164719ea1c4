mock_provider "azurerm" {
  override_during = plan
  source          = "./tests/mocks"
}

mock_provider "azapi" {}

override_resource {
  target          = random_string.suffix
  override_during = plan
  values          = { result = "abc123" }
}

run "every_subnet_denies_what_is_not_listed" {
  command = plan

  assert {
    condition     = length(azurerm_network_security_rule.deny) == 2 * length(local.network_rules) && alltrue([for rule in azurerm_network_security_rule.deny : rule.access == "Deny" && rule.priority == 4096 && rule.protocol == "*"])
    error_message = "A subnet lacks its last rule in one direction."
  }

  assert {
    condition     = toset(keys(azurerm_subnet_network_security_group_association.main)) == toset(["api-management", "patient-tests-api", "audit-api", "private-endpoints"])
    error_message = "A subnet has no network security group."
  }

  assert {
    condition     = alltrue([for key, association in azurerm_subnet_network_security_group_association.main : association.subnet_id == local.subnet_ids[key]])
    error_message = "A group hangs on the wrong subnet."
  }
}

run "the_internet_reaches_the_gateway_over_https_and_nothing_else" {
  command = plan

  assert {
    condition     = [for key, rule in azurerm_network_security_rule.allow : key if rule.direction == "Inbound" && contains(["*", "Internet", "0.0.0.0/0"], rule.source_address_prefix)] == ["api-management/callers"]
    error_message = "Something beside the gateway is open to the internet."
  }

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/callers"].destination_port_ranges == toset(["443"])
    error_message = "The gateway is open on more than 443."
  }
}

run "without_allowed_ranges_no_rule_is_needed_for_the_availability_test" {
  command = plan

  assert {
    condition     = !contains(keys(azurerm_network_security_rule.allow), "api-management/availability") && azurerm_network_security_rule.allow["api-management/callers"].source_address_prefix == "Internet" && azurerm_network_security_rule.allow["api-management/callers"].source_address_prefixes == null
    error_message = "The gateway is open to others than everybody."
  }

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/callers"].priority == 130
    error_message = "The rules would exchange their priorities when ranges are set, which Azure refuses while both exist."
  }
}

run "the_gateway_is_called_from_the_allowed_ranges_and_by_the_availability_test" {
  command = plan

  variables {
    allowed_client_ranges = ["203.0.113.0/24", "198.51.100.7/32"]
  }

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/callers"].source_address_prefixes == toset(["203.0.113.0/24", "198.51.100.7/32"]) && azurerm_network_security_rule.allow["api-management/callers"].source_address_prefix == null
    error_message = "The gateway is open to others than the given ranges."
  }

  assert {
    condition     = [for key, rule in azurerm_network_security_rule.allow : "${key} ${rule.source_address_prefix}" if rule.direction == "Inbound" && contains(rule.destination_port_ranges, "443") && startswith(key, "api-management/") && rule.source_address_prefix != null] == ["api-management/availability ApplicationInsightsAvailability"]
    error_message = "The availability test does not get through, or someone else does."
  }

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/callers"].priority == 130
    error_message = "The rules have exchanged their priorities, which Azure refuses while both exist."
  }
}

run "api_management_gets_what_its_platform_needs" {
  command = plan

  assert {
    condition     = alltrue([for rule in [["management", "ApiManagement", "3443"], ["load-balancer", "AzureLoadBalancer", "6390"]] : azurerm_network_security_rule.allow["api-management/${rule[0]}"].source_address_prefix == rule[1] && contains(azurerm_network_security_rule.allow["api-management/${rule[0]}"].destination_port_ranges, rule[2])])
    error_message = "An inbound rule that injection into a network needs is missing."
  }

  assert {
    condition     = alltrue([for rule in [["storage", "Storage", "443"], ["configuration", "Sql", "1433"], ["platform-vault", "AzureKeyVault", "443"], ["monitor", "AzureMonitor", "1886"], ["updates", "Internet", "80"]] : azurerm_network_security_rule.allow["api-management/${rule[0]}"].destination_address_prefix == rule[1] && contains(azurerm_network_security_rule.allow["api-management/${rule[0]}"].destination_port_ranges, rule[2])])
    error_message = "An outbound rule that injection into a network needs is missing."
  }
}

run "the_machines_of_api_management_get_certificates_updates_and_the_time" {
  command = plan

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/updates"].destination_address_prefix == "Internet" && azurerm_network_security_rule.allow["api-management/updates"].destination_port_ranges == toset(["80", "443"])
    error_message = "Certificates are not checked, and the machines are not updated."
  }

  assert {
    condition     = azurerm_network_security_rule.allow["api-management/clock"].protocol == "Udp" && azurerm_network_security_rule.allow["api-management/clock"].destination_port_ranges == toset(["123"]) && azurerm_network_security_rule.allow["api-management/diagnostics"].destination_port_ranges == toset(["12000"])
    error_message = "The machines lose the time, or cannot be diagnosed."
  }

  assert {
    condition     = alltrue([for name in ["updates", "clock", "diagnostics"] : azurerm_network_security_rule.allow["api-management/${name}"].direction == "Outbound"])
    error_message = "What the machines fetch would be let in."
  }
}

run "no_rule_lets_anything_into_the_apps_subnets" {
  command = plan

  assert {
    condition     = length([for rule in azurerm_network_security_rule.allow : rule if rule.direction == "Inbound" && contains([for app in keys(local.apps) : "nsg-${app}-${local.name}"], rule.network_security_group_name)]) == 0
    error_message = "Integration subnets only send; nothing may come in."
  }
}

run "the_apps_cannot_call_the_internet" {
  command = plan

  assert {
    condition     = alltrue([for key, rule in azurerm_network_security_rule.allow : !contains(["*", "Internet", "0.0.0.0/0", "AzureCloud"], rule.destination_address_prefix) if !startswith(key, "api-management/")])
    error_message = "An app could send data anywhere."
  }

  assert {
    condition     = alltrue([for app in keys(local.apps) : toset([for key, rule in azurerm_network_security_rule.allow : rule.destination_address_prefix if startswith(key, "${app}/")]) == toset([local.subnets.private-endpoints, "AppService", "AzureMonitor", "AzureActiveDirectory"])])
    error_message = "An app reaches something that it has no need of."
  }
}

run "each_host_can_call_itself" {
  command = plan

  assert {
    condition     = alltrue([for app in keys(local.apps) : azurerm_network_security_rule.allow["${app}/app-service"].direction == "Outbound" && azurerm_network_security_rule.allow["${app}/app-service"].destination_address_prefix == "AppService" && azurerm_network_security_rule.allow["${app}/app-service"].destination_port_ranges == toset(["443"])])
    error_message = "A host could not confirm a new key."
  }
}

run "private_endpoints_take_calls_from_the_three_callers_alone" {
  command = plan

  assert {
    condition     = toset([for key, rule in azurerm_network_security_rule.allow : rule.source_address_prefix if startswith(key, "private-endpoints/")]) == toset([local.subnets.api-management, local.subnets.patient-tests-api, local.subnets.audit-api])
    error_message = "Someone else reaches the private endpoints."
  }

  assert {
    condition     = azurerm_subnet.private_endpoints.private_endpoint_network_policies == "NetworkSecurityGroupEnabled"
    error_message = "The rules do not hold for private endpoints."
  }
}

run "each_app_has_a_subnet_of_its_own_with_room_for_its_instances" {
  command = plan

  assert {
    condition     = alltrue([for subnet in azurerm_subnet.app : subnet.delegation[0].service_delegation[0].name == "Microsoft.Web/serverFarms"])
    error_message = "A subnet is not delegated to App Service."
  }

  assert {
    condition     = alltrue([for app, subnet in azurerm_subnet.app : pow(2, 32 - tonumber(split("/", subnet.address_prefixes[0])[1])) - 5 >= 100])
    error_message = "A subnet has fewer than the 100 free addresses that Elastic Premium asks for."
  }

  assert {
    condition     = local.subnets == { patient-tests-api = "10.80.0.0/25", audit-api = "10.80.0.128/25", api-management = "10.80.1.0/26", private-endpoints = "10.80.1.64/26" }
    error_message = "The subnets overlap, or are not where they were."
  }
}

run "a_larger_network_is_cut_into_the_same_subnets" {
  command = plan

  variables {
    address_space = "10.1.0.0/16"
  }

  assert {
    condition     = local.subnets.private-endpoints == "10.1.1.64/26"
    error_message = "The subnets depend on the size of the network."
  }
}

run "everything_private_has_an_endpoint_and_a_name" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_private_endpoint.main)) == toset(["vault", "packages", "host-patient-tests-api", "host-audit-api", "database-patient-tests-api", "database-audit-api"])
    error_message = "Something cannot be reached from the network, or is private that nobody needs."
  }

  assert {
    condition     = alltrue([for endpoint in azurerm_private_endpoint.main : endpoint.subnet_id == azurerm_subnet.private_endpoints.id && length(endpoint.private_dns_zone_group) == 1])
    error_message = "A private endpoint is elsewhere, or has no name."
  }

  assert {
    condition     = toset([for zone in azurerm_private_dns_zone.main : zone.name]) == toset(["privatelink.vaultcore.azure.net", "privatelink.blob.core.windows.net", "privatelink.mongo.cosmos.azure.com"]) && length(azurerm_private_dns_zone_virtual_network_link.main) == 3
    error_message = "A private DNS zone is missing or not linked."
  }
}
