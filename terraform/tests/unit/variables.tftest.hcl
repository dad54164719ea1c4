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

run "values_that_azure_or_sense_forbid_are_refused" {
  command = plan

  variables {
    location                 = "West Europe"
    environment              = "production"
    alert_emails             = []
    packages                 = { patient-tests-api = "a/b.zip", audit-api = "audit.zip" }
    package_publishers       = ["runner"]
    package_upload_addresses = ["0.0.0.0/0"]
    address_space            = "10.0.0.0/24"
    api_management_sku       = "Standard_1"
    function_plan_sku        = "Y1"
    database_throughput_max  = 1500
    function_key_rotation    = 1.5
    database_key             = "tertiary"
    log_level                = "trace"
    purpose_of_use           = "optional"
    patients_per_hour_max    = 0.5
  }

  expect_failures = [
    var.location,
    var.environment,
    var.alert_emails,
    var.packages,
    var.package_publishers,
    var.package_upload_addresses,
    var.address_space,
    var.api_management_sku,
    var.function_plan_sku,
    var.database_throughput_max,
    var.function_key_rotation,
    var.database_key,
    var.log_level,
    var.purpose_of_use,
    var.patients_per_hour_max,
  ]
}

run "an_address_without_a_prefix_length_is_no_range" {
  command = plan

  variables {
    allowed_client_ranges = ["203.0.113.7"]
  }

  expect_failures = [var.allowed_client_ranges]
}

run "the_whole_internet_is_no_range" {
  command = plan

  variables {
    allowed_client_ranges = ["203.0.113.0/24", "0.0.0.0/0"]
  }

  expect_failures = [var.allowed_client_ranges]
}

run "a_range_with_bits_after_its_prefix_is_refused" {
  command = plan

  variables {
    allowed_client_ranges = ["203.0.113.7/24"]
  }

  expect_failures = [var.allowed_client_ranges]
}

run "more_instances_than_linux_gets_are_refused" {
  command = plan

  variables {
    instances = { minimum = 1, maximum = 21 }
  }

  expect_failures = [var.instances]
}

run "zones_without_an_instance_each_are_refused" {
  command = plan

  variables {
    zone_redundant     = true
    api_management_sku = "Premium_3"
    instances          = { minimum = 1, maximum = 5 }
  }

  expect_failures = [var.instances]
}

run "zones_without_premium_are_refused" {
  command = plan

  variables {
    zone_redundant = true
    instances      = { minimum = 3, maximum = 5 }
  }

  expect_failures = [var.zone_redundant]
}

run "zone_redundancy_reaches_every_part_but_the_databases" {
  command = plan

  variables {
    zone_redundant     = true
    api_management_sku = "Premium_3"
    instances          = { minimum = 3, maximum = 20 }
  }

  assert {
    condition     = azurerm_api_management.main.zones == toset(["1", "2", "3"]) && alltrue([for account in concat(values(azurerm_storage_account.host), [azurerm_storage_account.packages]) : account.account_replication_type == "ZRS"])
    error_message = "A part stays in one zone."
  }

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : one(account.geo_location).zone_redundant == false])
    error_message = "The region would refuse the databases for want of quota."
  }
}

run "the_databases_get_their_zones_by_themselves" {
  command = plan

  variables {
    database_zone_redundant = true
  }

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : one(account.geo_location).zone_redundant]) && azurerm_storage_account.packages.account_replication_type == "LRS"
    error_message = "A database stays in one zone, or something else is spread as well."
  }
}

run "the_resource_providers_are_registered_unless_someone_else_does" {
  command = plan

  assert {
    condition     = contains(local.resource_providers, "Microsoft.ManagedIdentity")
    error_message = "A new subscription refuses the first resource."
  }
}

run "who_may_not_register_resource_providers_registers_none" {
  command = plan

  variables {
    register_resource_providers = false
  }

  assert {
    condition     = length(local.resource_providers) == 0
    error_message = "The plan would fail for want of rights on the subscription."
  }
}

run "a_resource_group_is_made_if_none_is_given" {
  command = plan

  assert {
    condition     = one(azurerm_resource_group.main).name == "rg-patientrec-test" && length(data.azurerm_resource_group.existing) == 0
    error_message = "There is no group to put anything into."
  }

  assert {
    condition     = azurerm_key_vault.main.resource_group_name == "rg-patientrec-test" && azapi_resource.function_key["audit-api-key"].parent_id == one(azurerm_resource_group.main).id
    error_message = "Something is elsewhere than in the group."
  }
}

run "everything_goes_into_the_resource_group_that_is_given" {
  command = plan

  variables {
    resource_group_name = "existing"
  }

  assert {
    condition     = length(azurerm_resource_group.main) == 0
    error_message = "A group is made on the subscription, for which the rights may be missing."
  }

  assert {
    condition     = toset(concat([azurerm_virtual_network.main.resource_group_name, azurerm_key_vault.main.resource_group_name, azurerm_api_management.main.resource_group_name, azurerm_storage_account.packages.resource_group_name, azurerm_log_analytics_workspace.main.resource_group_name], [for account in azurerm_cosmosdb_account.main : account.resource_group_name])) == toset(["existing"])
    error_message = "Something is elsewhere than in the given group."
  }

  assert {
    condition     = alltrue([for deployment in concat(values(azapi_resource.database_secret), values(azapi_resource.function_key)) : deployment.parent_id == "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/existing"])
    error_message = "A deployment runs elsewhere than in the given group."
  }

  assert {
    condition     = azurerm_key_vault.main.location == "westeurope"
    error_message = "The place is that of the group's record."
  }
}
