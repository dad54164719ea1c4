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

run "nothing_is_tagged_with_what_nobody_said" {
  command = plan

  assert {
    condition     = azurerm_key_vault.main.tags == tomap({ application = "patient-records", environment = "test", managed_by = "terraform" })
    error_message = "A tag stands there without a value."
  }
}

run "owner_payer_and_kind_of_data_are_on_every_part" {
  command = plan

  variables {
    tags = { owner = "Team North", data_classification = "health data" }
  }

  assert {
    condition = alltrue([
      for tags in concat(
        [azurerm_resource_group.main[0].tags, azurerm_key_vault.main.tags, azurerm_api_management.main.tags, azurerm_log_analytics_workspace.main.tags, azurerm_virtual_network.main.tags],
        [for account in azurerm_cosmosdb_account.main : account.tags],
        [for account in azurerm_storage_account.host : account.tags],
      ) : tags == tomap({ application = "patient-records", environment = "test", managed_by = "terraform", owner = "Team North", data_classification = "health data" })
    ])
    error_message = "A bill or an inventory would miss a part."
  }
}

run "an_empty_tag_is_refused" {
  command = plan

  variables {
    tags = { owner = "" }
  }

  expect_failures = [var.tags]
}

run "a_tag_longer_than_azure_takes_is_refused" {
  command = plan

  variables {
    tags = { cost_centre = join("", [for i in range(257) : "x"]) }
  }

  expect_failures = [var.tags]
}

run "a_tag_as_long_as_azure_takes_is_taken" {
  command = plan

  variables {
    tags = { cost_centre = join("", [for i in range(256) : "x"]) }
  }

  assert {
    condition     = length(azurerm_key_vault.main.tags["cost_centre"]) == 256
    error_message = "A tag that Azure takes is refused."
  }
}

run "production_says_what_kind_of_data_it_holds" {
  command = plan

  assert {
    condition     = strcontains(file("${path.root}/environments/prod.tfvars"), "data_classification = ") && !strcontains(file("${path.root}/environments/dev.tfvars"), "data_classification = ")
    error_message = "Nobody can tell from production that there are patients in it, or dev says that there are."
  }
}
