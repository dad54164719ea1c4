mock_provider "azurerm" {}

variables {
  name                                   = "app-test-abc123"
  resource_group_name                    = "rg"
  location                               = "westeurope"
  plan_sku                               = "EP1"
  instances                              = { minimum = 2, maximum = 7 }
  zone_redundant                         = false
  identity                               = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app", client_id = "00000000-0000-0000-0000-0000000000b1" }
  integration_subnet_id                  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/app"
  caller_subnet_id                       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/caller"
  host_storage_account_name              = "sthost"
  package_url                            = "https://st.blob.core.windows.net/app/app.zip"
  application_insights_connection_string = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
  app_settings                           = { RUST_LOG = "info" }
}

run "only_the_caller_gets_through" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.site_config[0].ip_restriction_default_action == "Deny" && length(azurerm_linux_function_app.main.site_config[0].ip_restriction) == 1 && azurerm_linux_function_app.main.site_config[0].ip_restriction[0].virtual_network_subnet_id == var.caller_subnet_id && azurerm_linux_function_app.main.site_config[0].ip_restriction[0].ip_address == null && azurerm_linux_function_app.main.site_config[0].ip_restriction[0].service_tag == null
    error_message = "The app lets someone else in."
  }
}

run "the_deployment_site_is_closed_to_everyone" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.site_config[0].scm_ip_restriction_default_action == "Deny" && length(azurerm_linux_function_app.main.site_config[0].scm_ip_restriction) == 0 && azurerm_linux_function_app.main.site_config[0].scm_use_main_ip_restriction == false
    error_message = "The deployment site is open."
  }

  assert {
    condition     = azurerm_linux_function_app.main.ftp_publish_basic_authentication_enabled == false && azurerm_linux_function_app.main.webdeploy_publish_basic_authentication_enabled == false && azurerm_linux_function_app.main.site_config[0].ftps_state == "Disabled"
    error_message = "Code could be published with a password."
  }
}

run "only_current_tls_is_spoken" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.https_only == true && azurerm_linux_function_app.main.site_config[0].minimum_tls_version == "1.2" && azurerm_linux_function_app.main.site_config[0].scm_minimum_tls_version == "1.2"
    error_message = "The app speaks something older than TLS 1.2."
  }
}

run "everything_leaves_through_the_network" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.virtual_network_subnet_id == var.integration_subnet_id && azurerm_linux_function_app.main.site_config[0].vnet_route_all_enabled == true
    error_message = "Traffic of the app would bypass the network."
  }

  assert {
    condition     = azurerm_linux_function_app.main.vnet_image_pull_enabled != true
    error_message = "The platform's image would have to come through a network that lets no registry in."
  }
}

run "storage_and_package_need_no_key" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.storage_uses_managed_identity == true && azurerm_linux_function_app.main.storage_account_access_key == null && azurerm_linux_function_app.main.storage_key_vault_secret_id == null
    error_message = "The host would use a storage key."
  }

  assert {
    condition     = azurerm_linux_function_app.main.app_settings["WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"] == var.identity.id && azurerm_linux_function_app.main.app_settings["AzureWebJobsStorage__credential"] == "managedidentity"
    error_message = "The identity is not the one with the roles."
  }

  assert {
    condition     = !anytrue([for name in keys(azurerm_linux_function_app.main.app_settings) : startswith(name, "WEBSITE_CONTENT")])
    error_message = "Azure Files knows only keys."
  }
}

run "the_custom_handler_runs_on_functions_4" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.functions_extension_version == "~4" && azurerm_linux_function_app.main.site_config[0].application_stack[0].use_custom_runtime == true && azurerm_linux_function_app.main.app_settings["FUNCTIONS_WORKER_RUNTIME"] == "custom"
    error_message = "The host would not start an executable."
  }
}

run "instances_stay_within_their_limits" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_service_plan.main.maximum_elastic_worker_count == 7 && azurerm_service_plan.main.worker_count == 2 && azurerm_linux_function_app.main.site_config[0].elastic_instance_minimum == 2 && azurerm_linux_function_app.main.site_config[0].app_scale_limit == 7
    error_message = "The app scales otherwise than asked."
  }

  assert {
    condition     = azurerm_linux_function_app.main.site_config[0].health_check_path == "/admin/host/ping"
    error_message = "An instance whose host does not answer is not replaced."
  }
}

run "one_instance_is_warm_before_it_is_needed" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition     = azurerm_linux_function_app.main.site_config[0].pre_warmed_instance_count == 1
    error_message = "The first calls of a new instance would wait for its start."
  }
}

run "a_secret_as_a_setting_is_refused" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  variables {
    app_settings = { AUDIT_API_KEY = "value" }
  }

  expect_failures = [var.app_settings]
}

run "a_connection_string_as_a_setting_is_refused" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  variables {
    app_settings = { MONGO_CONNECTION_STRING = "value" }
  }

  expect_failures = [var.app_settings]
}

run "a_package_url_with_a_signature_is_refused" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  variables {
    package_url = "https://st.blob.core.windows.net/app/app.zip?sig=x.zip"
  }

  expect_failures = [var.package_url]
}

run "a_name_that_the_host_would_cut_is_refused" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  variables {
    name = "patient-tests-api-environment-abc123"
  }

  expect_failures = [var.name]
}
