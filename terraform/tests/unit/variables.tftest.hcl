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
    address_space            = "10.0.0.0/25"
    api_management_sku       = "Standard_1"
    function_plan_sku        = "Y1"
    database_throughput_max  = 1500
    host_key_rotation        = 1.5
    database_key             = "tertiary"
    log_level                = "trace"
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
    var.host_key_rotation,
    var.database_key,
    var.log_level,
  ]
}

run "more_instances_than_addresses_are_refused" {
  command = plan

  variables {
    instances = { minimum = 1, maximum = 40 }
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

run "zone_redundancy_reaches_every_part" {
  command = plan

  variables {
    zone_redundant     = true
    api_management_sku = "Premium_3"
    instances          = { minimum = 3, maximum = 5 }
  }

  assert {
    condition     = azurerm_api_management.main.zones == toset(["1", "2", "3"]) && alltrue([for account in azurerm_cosmosdb_account.main : one(account.geo_location).zone_redundant]) && alltrue([for account in concat(values(azurerm_storage_account.host), [azurerm_storage_account.packages]) : account.account_replication_type == "ZRS"])
    error_message = "A part stays in one zone."
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
