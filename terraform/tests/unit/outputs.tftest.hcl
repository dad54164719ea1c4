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

run "a_state_says_whose_it_is" {
  command = plan

  assert {
    condition     = output.environment == "test"
    error_message = "The scripts could not tell this state from another environment's."
  }
}

run "every_public_name_beside_the_gateways_is_on_the_list" {
  command = plan

  assert {
    condition = { for kind in distinct(output.closed_endpoints[*].kind) : kind => length([for endpoint in output.closed_endpoints : endpoint if endpoint.kind == kind]) } == {
      app = 2, scm = 2, vault = 1, storage = 2, code = 1, database = 2, developer-portal = 1, legacy-portal = 1, tenant = 2
    }
    error_message = "scripts/check-deployment would not try every endpoint."
  }

  assert {
    condition = toset([for endpoint in output.closed_endpoints : endpoint.url if contains(["app", "scm", "code", "developer-portal", "legacy-portal", "tenant"], endpoint.kind)]) == toset([
      "https://patient-tests-api-test-abc123.azurewebsites.net/",
      "https://audit-api-test-abc123.azurewebsites.net/",
      "https://patient-tests-api-test-abc123.scm.azurewebsites.net/",
      "https://audit-api-test-abc123.scm.azurewebsites.net/",
      "https://st.blob.core.windows.net/patient-tests-api/patient-1.zip",
      "https://apim-patientrec-test-abc123.developer.azure-api.net/",
      "https://apim-patientrec-test-abc123.portal.azure-api.net/",
      "https://apim-patientrec-test-abc123.management.azure-api.net/",
      "https://apim-patientrec-test-abc123.scm.azure-api.net/",
    ])
    error_message = "A public name is wrong or missing."
  }

  assert {
    condition = toset([for endpoint in output.closed_endpoints : trimprefix(endpoint.id, "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/")]) == toset([
      "Microsoft.Web/sites/app",
      "Microsoft.KeyVault/vaults/kv",
      "Microsoft.Storage/storageAccounts/st",
      "Microsoft.DocumentDB/databaseAccounts/cosmos",
      "Microsoft.ApiManagement/service/apim",
      "Microsoft.ApiManagement/service/apim/tenant/access",
      "Microsoft.ApiManagement/service/apim/tenant/gitAccess",
    ])
    error_message = "Azure Resource Manager would be asked for something else."
  }
}

run "private_packages_are_behind_a_door_like_that_of_host_storage" {
  command = plan

  variables {
    packages_private = true
  }

  assert {
    condition     = length([for endpoint in output.closed_endpoints : endpoint if endpoint.kind == "storage"]) == 3 && !contains(output.closed_endpoints[*].kind, "code")
    error_message = "An account that must let nobody in would pass as open to the network."
  }
}
