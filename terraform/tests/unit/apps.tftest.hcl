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

run "the_patient_api_is_called_from_api_management_only" {
  command = plan

  assert {
    condition     = module.function_app["patient-tests-api"].allowed_subnet_ids == tolist([azurerm_subnet.api_management.id])
    error_message = "The Patient API would be reachable from elsewhere."
  }
}

run "the_audit_api_is_called_from_the_patient_api_only" {
  command = plan

  assert {
    condition     = module.function_app["audit-api"].allowed_subnet_ids == tolist([azurerm_subnet.app["patient-tests-api"].id])
    error_message = "The Audit API would be reachable from elsewhere."
  }
}

run "service_endpoints_are_where_the_access_restrictions_need_them" {
  command = plan

  assert {
    condition     = azurerm_subnet.api_management.service_endpoint[0].service == "Microsoft.Web" && azurerm_subnet.app["patient-tests-api"].service_endpoint[0].service == "Microsoft.Web" && length(azurerm_subnet.app["audit-api"].service_endpoint) == 0
    error_message = "An access restriction by subnet works by the service endpoint of that subnet."
  }
}

run "no_function_is_anonymous" {
  command = plan

  assert {
    condition     = alltrue([for name in fileset("${path.root}/..", "{patient-tests-api,audit-api}/functions/*/function.json") : jsondecode(file("${path.root}/../${name}")).bindings[0].authLevel == "function" if jsondecode(file("${path.root}/../${name}")).bindings[0].type == "httpTrigger"])
    error_message = "A function could be called without a key."
  }

  assert {
    condition     = alltrue([for name in ["patient-tests-api/functions/CreatePatient", "audit-api/functions/CreateAuditRecord"] : contains(fileset("${path.root}/..", "{patient-tests-api,audit-api}/functions/*/function.json"), "${name}/function.json")])
    error_message = "The functions are not where they are looked for."
  }
}

run "each_app_gets_the_settings_that_it_reads" {
  command = plan

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["MONGO_CONNECTION_STRING_SECRET_URI"] == "https://kv.vault.azure.net/secrets/patient-database"
    error_message = "The Patient API cannot find its database."
  }

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["AUDIT_API_URL"] == "https://audit-api-test-abc123.azurewebsites.net/api/auditrecord"
    error_message = "The Patient API cannot find the register."
  }

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["AUDIT_API_KEY_SECRET_URI"] == "https://kv.vault.azure.net/secrets/audit-api-key"
    error_message = "The Patient API cannot find the key with which it writes to the register."
  }

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["AUDIT_API_READING_KEY_SECRET_URI"] == "https://kv.vault.azure.net/secrets/audit-api-reading-key"
    error_message = "The Patient API cannot find the key with which it reads the register."
  }

  assert {
    condition     = module.function_app["audit-api"].app_settings["MONGO_CONNECTION_STRING_SECRET_URI"] == "https://kv.vault.azure.net/secrets/audit-database"
    error_message = "The Audit API cannot find its database."
  }

  assert {
    condition     = alltrue([for app, database in local.databases : module.function_app[app].app_settings[database.databaseSetting] == azurerm_cosmosdb_mongo_database.main[app].name])
    error_message = "An app looks into a database that is not declared."
  }

  assert {
    condition     = alltrue([for app in values(module.function_app) : app.app_settings["FUNCTIONS_WORKER_RUNTIME"] == "custom" && app.app_settings["RUST_LOG"] == "info"])
    error_message = "The host would not start the handler."
  }
}

run "callers_can_be_required_to_name_a_purpose" {
  command = plan

  variables {
    purpose_of_use = "required"
  }

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["PURPOSE_OF_USE"] == "required" && !contains(keys(module.function_app["audit-api"].app_settings), "PURPOSE_OF_USE")
    error_message = "The Patient API does not require a purpose, or the Audit API gets a setting that it does not read."
  }
}

run "each_app_asks_for_tokens_as_itself" {
  command = plan

  assert {
    condition     = alltrue([for app, function_app in module.function_app : function_app.app_settings["AZURE_CLIENT_ID"] == azurerm_user_assigned_identity.app[app].client_id && function_app.app_settings["AzureWebJobsStorage__clientId"] == azurerm_user_assigned_identity.app[app].client_id && function_app.app_settings["WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"] == azurerm_user_assigned_identity.app[app].id])
    error_message = "An app uses the identity of another."
  }
}

run "each_app_runs_its_own_package" {
  command = plan

  assert {
    condition     = module.function_app["patient-tests-api"].app_settings["WEBSITE_RUN_FROM_PACKAGE"] == "https://st.blob.core.windows.net/patient-tests-api/patient-1.zip" && module.function_app["audit-api"].app_settings["WEBSITE_RUN_FROM_PACKAGE"] == "https://st.blob.core.windows.net/audit-api/audit-1.zip"
    error_message = "An app runs something else than its package."
  }
}

run "the_names_of_the_apps_fit_the_hosts_id" {
  command = plan

  variables {
    environment = "sixsix"
  }

  assert {
    condition     = alltrue([for name in values(local.app_names) : length(name) <= 32]) && length(distinct([for name in values(local.app_names) : name])) == 2
    error_message = "The host cuts names after 32 characters."
  }
}
