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

run "terraform_gives_every_role_and_leaves_none_to_others" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_role_assignment.package_publisher)) == toset(["packages/00000000-0000-0000-0000-0000000000d1"]) && toset(keys(azurerm_role_assignment.app)) == toset(["host-storage/audit-api", "host-storage/patient-tests-api", "package/audit-api", "package/patient-tests-api"]) && toset(keys(azurerm_role_assignment.secret_reader)) == toset(["audit-api-key/patient-tests-api", "audit-api-reading-key/patient-tests-api", "audit-database/audit-api", "patient-api-key/api-management", "patient-database/patient-tests-api"])
    error_message = "A role is missing, or there is one that nobody knows."
  }

  assert {
    condition     = length(output.role_assignments_publishers) + length(output.role_assignments_apps) + length(output.role_assignments_secrets) == 0
    error_message = "scripts/assign-roles would give roles that Terraform has given."
  }
}

run "without_the_right_to_give_roles_the_outputs_list_the_same_ones" {
  command = plan

  variables {
    assign_roles = false
  }

  assert {
    condition     = length(azurerm_role_assignment.package_publisher) + length(azurerm_role_assignment.app) + length(azurerm_role_assignment.secret_reader) == 0
    error_message = "Terraform would be refused: it gives a role."
  }

  assert {
    condition     = toset(keys(output.role_assignments_publishers)) == toset(["packages/00000000-0000-0000-0000-0000000000d1"]) && toset(keys(output.role_assignments_apps)) == toset(["host-storage/audit-api", "host-storage/patient-tests-api", "package/audit-api", "package/patient-tests-api"]) && toset(keys(output.role_assignments_secrets)) == toset(["audit-api-key/patient-tests-api", "audit-api-reading-key/patient-tests-api", "audit-database/audit-api", "patient-api-key/api-management", "patient-database/patient-tests-api"])
    error_message = "Somebody would not get their role."
  }

  assert {
    condition = output.role_assignments_secrets["patient-api-key/api-management"] == {
      scope          = "${azurerm_key_vault.main.id}/secrets/patient-api-key"
      role           = "Key Vault Secrets User"
      principal_id   = "00000000-0000-0000-0000-0000000000aa"
      principal_type = "ServicePrincipal"
      description    = "Reads patient-api-key, and nothing else."
    }
    error_message = "scripts/assign-roles would give something else than Terraform."
  }
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

# The condition in docs/deployment.md allows the deploying identity to assign these four roles only.
run "no_role_is_given_that_a_limited_delegation_does_not_name" {
  command = plan

  assert {
    condition     = toset([for role in concat(values(azurerm_role_assignment.package_publisher), values(azurerm_role_assignment.app), values(azurerm_role_assignment.secret_reader)) : role.role_definition_name]) == toset(["Storage Blob Data Owner", "Storage Blob Data Contributor", "Storage Blob Data Reader", "Key Vault Secrets User"])
    error_message = "The condition in docs/deployment.md has to name this role too."
  }
}

run "every_secret_has_a_reader" {
  command = plan

  assert {
    condition     = toset(keys(local.secret_readers)) == toset(local.secret_names)
    error_message = "A secret has no reader, or somebody is to read one that nobody writes."
  }
}
