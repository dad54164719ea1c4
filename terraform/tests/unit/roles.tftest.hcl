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

variables {
  package_publishers = ["00000000-0000-0000-0000-0000000000d1"]
}

run "an_app_gets_roles_on_its_own_storage_and_its_own_package" {
  command = plan

  assert {
    condition     = alltrue([for app in keys(local.apps) : azurerm_role_assignment.app["host-storage/${app}"].principal_id == azurerm_user_assigned_identity.app[app].principal_id && azurerm_role_assignment.app["host-storage/${app}"].role_definition_name == "Storage Blob Data Owner" && azurerm_role_assignment.app["host-storage/${app}"].scope == azurerm_storage_account.host[app].id])
    error_message = "A host cannot use its storage, or somebody else can."
  }

  assert {
    condition     = alltrue([for app in keys(local.apps) : azurerm_role_assignment.app["package/${app}"].principal_id == azurerm_user_assigned_identity.app[app].principal_id && azurerm_role_assignment.app["package/${app}"].role_definition_name == "Storage Blob Data Reader" && azurerm_role_assignment.app["package/${app}"].scope == azurerm_storage_container.package[app].id])
    error_message = "An app may do more with packages than read its own."
  }

  assert {
    condition     = alltrue([for role in azurerm_role_assignment.package_publisher : role.role_definition_name == "Storage Blob Data Contributor" && role.scope == azurerm_storage_account.packages.id])
    error_message = "Who uploads packages may do more than that."
  }
}

run "every_secret_has_a_reader" {
  command = plan

  assert {
    condition     = toset(keys(local.secret_readers)) == toset(local.secret_names)
    error_message = "A secret has no reader, or somebody is to read one that nobody writes."
  }
}
