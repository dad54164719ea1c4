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

run "nothing_is_locked_unless_asked_for" {
  command = plan

  assert {
    condition     = length(azurerm_management_lock.main) == 0
    error_message = "A deployment without Owner would be refused."
  }
}

run "locks_hold_what_would_be_lost_with_the_register" {
  command = plan

  variables {
    locks = true
  }

  assert {
    condition = { for name, lock in azurerm_management_lock.main : name => lock.scope } == {
      vault                      = azurerm_key_vault.main.id
      workspace                  = azurerm_log_analytics_workspace.main.id
      register-storage           = azurerm_storage_account.host["audit-api"].id
      database-patient-tests-api = azurerm_cosmosdb_account.main["patient-tests-api"].id
      database-audit-api         = azurerm_cosmosdb_account.main["audit-api"].id
    }
    error_message = "Something can be deleted that must not be."
  }

  # ReadOnly would stop the rotation of keys: it refuses every POST.
  assert {
    condition     = alltrue([for lock in azurerm_management_lock.main : lock.lock_level == "CanNotDelete"])
    error_message = "A lock stops more than deletions, or less."
  }
}

run "production_is_locked_and_dev_is_not" {
  command = plan

  assert {
    condition     = strcontains(file("${path.root}/environments/prod.tfvars"), "\nlocks ") && !strcontains(file("${path.root}/environments/dev.tfvars"), "\nlocks ")
    error_message = "prod.tfvars leaves the register without locks, or dev.tfvars asks for more rights than dev needs."
  }
}
