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

run "the_gateway_is_in_the_network_and_open_to_the_outside" {
  command = plan

  assert {
    condition     = azurerm_api_management.main.virtual_network_type == "External" && azurerm_api_management.main.virtual_network_configuration[0].subnet_id == azurerm_subnet.api_management.id
    error_message = "The gateway is not in its subnet."
  }

  assert {
    condition     = azurerm_api_management.main.identity[0].type == "SystemAssigned"
    error_message = "The gateway cannot read its key."
  }
}

run "the_gateway_speaks_no_old_protocol" {
  command = plan

  assert {
    condition     = alltrue([for name, enabled in azurerm_api_management.main.security[0] : enabled != true])
    error_message = "An old protocol or cipher is on."
  }

  assert {
    condition     = azurerm_api_management_api.patient.protocols == toset(["https"])
    error_message = "The API can be called without TLS."
  }
}

run "the_other_names_of_the_service_are_closed" {
  command = plan

  assert {
    condition     = azapi_update_resource.portals.resource_id == azurerm_api_management.main.id && azapi_update_resource.portals.body.properties == { developerPortalStatus = "Disabled", legacyPortalStatus = "Disabled" }
    error_message = "A portal is open."
  }

  assert {
    condition     = azurerm_api_management.main.tenant_access[0].enabled == false
    error_message = "The direct management API is open."
  }
}

run "the_gateway_keeps_azures_name_unless_it_gets_one" {
  command = plan

  assert {
    condition     = length(azurerm_api_management_custom_domain.main) == 0 && length(azurerm_role_assignment.gateway_certificate) == 0
    error_message = "A domain or a role appears that nobody asked for."
  }

  assert {
    condition     = output.gateway_url == "https://apim.azure-api.net"
    error_message = "Callers are sent elsewhere."
  }
}

run "a_name_of_our_own_is_what_callers_and_monitoring_use" {
  command = plan

  variables {
    gateway_domain = {
      host_name      = "api.example.com"
      certificate_id = "https://certificates.vault.azure.net/secrets/api"
      vault_id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.KeyVault/vaults/certificates"
    }
  }

  assert {
    condition     = azurerm_api_management_custom_domain.main[0].api_management_id == azurerm_api_management.main.id && azurerm_api_management_custom_domain.main[0].gateway[0].host_name == "api.example.com" && azurerm_api_management_custom_domain.main[0].gateway[0].key_vault_certificate_id == "https://certificates.vault.azure.net/secrets/api"
    error_message = "The gateway does not get its name and certificate."
  }

  assert {
    condition     = output.gateway_url == "https://api.example.com" && azurerm_application_insights_standard_web_test.gateway[0].request[0].url == "https://api.example.com/health"
    error_message = "Callers or the availability test use another name."
  }

  assert {
    condition     = azurerm_role_assignment.gateway_certificate[0].scope == "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.KeyVault/vaults/certificates/secrets/api" && azurerm_role_assignment.gateway_certificate[0].role_definition_name == "Key Vault Secrets User" && azurerm_role_assignment.gateway_certificate[0].principal_id == "00000000-0000-0000-0000-0000000000aa"
    error_message = "API Management cannot read its certificate, or reads more than that."
  }
}

run "the_role_on_the_certificate_may_be_given_elsewhere" {
  command = plan

  variables {
    gateway_domain = { host_name = "api.example.com", certificate_id = "https://certificates.vault.azure.net/secrets/api" }
  }

  assert {
    condition     = length(azurerm_api_management_custom_domain.main) == 1 && length(azurerm_role_assignment.gateway_certificate) == 0
    error_message = "A role is given on a vault that was not named."
  }
}

run "a_certificate_that_cannot_be_renewed_is_refused" {
  command = plan

  variables {
    gateway_domain = { host_name = "api.example.com", certificate_id = "https://certificates.vault.azure.net/secrets/api/0123456789abcdef0123456789abcdef" }
  }

  expect_failures = [var.gateway_domain]
}

run "a_host_name_is_no_url" {
  command = plan

  variables {
    gateway_domain = { host_name = "https://api.example.com", certificate_id = "https://certificates.vault.azure.net/secrets/api" }
  }

  expect_failures = [var.gateway_domain]
}

run "a_vault_is_named_by_its_resource_id" {
  command = plan

  variables {
    gateway_domain = { host_name = "api.example.com", certificate_id = "https://certificates.vault.azure.net/secrets/api", vault_id = "certificates" }
  }

  expect_failures = [var.gateway_domain]
}

run "nobody_calls_without_a_subscription_of_the_product" {
  command = plan

  assert {
    condition     = azurerm_api_management_api.patient.subscription_required == true && alltrue([for product in azurerm_api_management_product.main : product.subscription_required == true && product.approval_required == true])
    error_message = "The API can be called without a subscription."
  }

  assert {
    condition     = azurerm_api_management_subscription.main["first-caller"].product_id == azurerm_api_management_product.main["patient-records"].id && azurerm_api_management_subscription.main["first-caller"].api_id == null && azurerm_api_management_subscription.main["first-caller"].allow_tracing == false
    error_message = "The subscription reaches further than the product, or may trace."
  }
}

run "each_product_grants_its_scopes_and_no_other" {
  command = plan

  assert {
    condition = { for id, product in local.gateway.products : id => product.scopes } == {
      patient-records = ["patient.read", "patient.write", "patient.delete", "patient.search", "test.read", "test.write", "test.delete"]
      laboratory      = ["test.write", "test.read"]
      privacy-office  = ["audit.read", "audit.access-log", "audit.persons", "history.read", "history.restore"]
      monitoring      = []
    }
    error_message = "A product may do more than it should, or less."
  }

  assert {
    condition     = strcontains(azurerm_api_management_product_policy.main["laboratory"].xml_content, "<set-variable name=\"scopes\" value=\"test.write test.read\" />") && strcontains(azurerm_api_management_product_policy.main["monitoring"].xml_content, "<set-variable name=\"scopes\" value=\"none\" />")
    error_message = "The policy of a product has other scopes."
  }

  assert {
    condition     = strcontains(local.policy_fragments.caller, "<value>@(context.Variables.GetValueOrDefault&lt;string&gt;(\"scopes\", \"none\"))</value>")
    error_message = "The scopes do not reach the app, or a call without a product has some."
  }
}

run "every_scope_that_a_function_needs_is_in_the_list" {
  command = plan

  assert {
    condition     = length(setsubtract(flatten([for path in values(jsondecode(local.openapi).paths) : [for operation in values(path) : regexall("Needs the scope ([a-z.-]+)\\.", try(operation.description, ""))]]), local.gateway.scopes)) == 0
    error_message = "No product could grant this scope."
  }

  assert {
    condition     = length(regexall("Needs the scope [a-z.-]+\\.", local.openapi)) > 10
    error_message = "The document no longer says which scope an operation needs."
  }
}

run "a_misspelt_scope_is_refused" {
  command = plan

  variables {
    products_file = "tests/unit/products_with_a_misspelt_scope.json"
  }

  expect_failures = [azurerm_api_management_product.main]
}

run "a_file_without_the_subscriptions_of_the_scripts_is_refused" {
  command = plan

  variables {
    products_file = "tests/unit/products_without_monitoring.json"
  }

  expect_failures = [var.products_file]
}

run "each_product_has_a_subscription_of_its_own" {
  command = plan

  assert {
    condition     = toset([for subscription in local.subscriptions : subscription.product]) == toset(keys(local.products)) && toset(keys(output.subscription_keys)) == toset(keys(local.subscriptions))
    error_message = "A product cannot be used, or the key of a subscription cannot be read."
  }

  assert {
    condition     = issensitive(output.subscription_keys)
    error_message = "Keys show up in the output of Terraform."
  }
}

run "a_second_caller_may_subscribe" {
  command = plan

  assert {
    condition     = alltrue([for product in azurerm_api_management_product.main : product.subscriptions_limit == 100])
    error_message = "API Management counts subscriptions per user, and those without a user together."
  }
}

run "the_key_of_the_monitoring_reaches_health_only" {
  command = plan

  override_resource {
    target          = azurerm_api_management_product.main["monitoring"]
    override_during = plan
    values          = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim/products/monitoring" }
  }

  assert {
    condition     = azurerm_api_management_subscription.main["monitoring"].product_id == azurerm_api_management_product.main["monitoring"].id && azurerm_api_management_subscription.main["monitoring"].api_id == null && azurerm_api_management_subscription.main["monitoring"].allow_tracing == false
    error_message = "The monitoring's subscription reaches further than its product, or may trace."
  }

  assert {
    condition     = [for name, product in local.products : name if product.health_only] == ["monitoring"] && azurerm_api_management_product_policy.main["monitoring"].xml_content == local.product_policies.monitoring && strcontains(local.product_policies.monitoring, "<include-fragment fragment-id=\"health-only\" />") && !strcontains(local.product_policies.patient-records, "health-only")
    error_message = "The monitoring's product may do more than ask for health, or the callers' product less."
  }

  # Counted first: a caller who tries other operations with this key is stopped.
  assert {
    condition     = can(regex("(?s)<rate-limit calls=\"60\".*<quota calls=\"20000\".*<include-fragment", local.product_policies.monitoring))
    error_message = "The monitoring has no limit, or it comes too late."
  }

  assert {
    condition     = issensitive(output.monitoring_key)
    error_message = "The monitoring's key shows up in the output of Terraform."
  }
}

run "the_operations_of_the_monitoring_are_those_of_the_document" {
  command = plan

  assert {
    condition     = toset(local.health_operations) == toset(["Health", "HealthHead"])
    error_message = "The monitoring may ask for something other than GET and HEAD of /health, or not for these."
  }

  assert {
    condition     = alltrue([for id in local.health_operations : strcontains(local.policy_fragments.health-only, "!string.Equals(context.Operation.Id, \"${id}\", StringComparison.OrdinalIgnoreCase)")])
    error_message = "The fragment lets another operation through."
  }
}

run "the_api_is_forwarded_to_the_patient_app" {
  command = plan

  assert {
    condition     = azurerm_api_management_api.patient.service_url == "https://app.azurewebsites.net/api" && azurerm_api_management_api.patient.path == ""
    error_message = "Requests go elsewhere."
  }
}

run "the_operations_are_those_of_the_document" {
  command = plan

  assert {
    condition     = azurerm_api_management_api.patient.import[0].content_format == "openapi+json" && azurerm_api_management_api.patient.import[0].content_value == file("../patient-tests-api/openapi.json")
    error_message = "API Management gets another document than the one that is written from the code."
  }

  # LoadTest and the histories serve a second operation, with or without the last segment of the route; what is loaded can be asked for by HEAD.
  assert {
    condition     = toset(flatten([for path in values(jsondecode(azurerm_api_management_api.patient.import[0].content_value).paths) : [for operation in values(path) : try(operation.operationId, [])]])) == setunion([for path in fileset("../patient-tests-api/functions", "*/function.json") : dirname(path) if jsondecode(file("../patient-tests-api/functions/${path}")).bindings[0].type == "httpTrigger"], ["HealthHead", "LoadTests", "LoadPatientHead", "LoadTestHead", "LoadTestsHead", "LoadPatientVersion", "LoadTestVersion"])
    error_message = "A function cannot be called through the gateway, or an operation has no function."
  }
}

run "what_only_the_gateway_may_say_is_taken_away_first" {
  command = plan

  assert {
    condition     = alltrue([for name in ["x-functions-key", "Ocp-Apim-Subscription-Key", "X-Caller-Subscription", "X-Caller-Organisation", "X-Caller-User", "X-Caller-Client", "X-Caller-Address", "X-Caller-Scopes", "X-Caller-Roles"] : strcontains(local.policy_fragments.caller, "<set-header name=\"${name}\" exists-action=\"delete\" />")])
    error_message = "A caller could speak for the gateway."
  }

  assert {
    condition     = alltrue([for name in ["code", "subscription-key"] : strcontains(local.policy_fragments.caller, "<set-query-parameter name=\"${name}\" exists-action=\"delete\" />")])
    error_message = "A key in the query reaches the host."
  }
}

run "without_entra_id_no_caller_names_a_user" {
  command = plan

  assert {
    condition     = !strcontains(local.policy_fragments.caller, "validate-azure-ad-token") && length(regexall("X-Caller-(User|Client|Roles)", local.policy_fragments.caller)) == 3
    error_message = "A user is named that nobody has checked."
  }
}

run "with_entra_id_the_checked_token_names_the_user" {
  command = plan

  variables {
    entra_id = { tenant_id = "11111111-1111-1111-1111-111111111111", client_application_ids = ["22222222-2222-2222-2222-222222222222"], audience = "api://patient-records" }
  }

  assert {
    condition     = strcontains(local.policy_fragments.caller, "<validate-azure-ad-token tenant-id=\"11111111-1111-1111-1111-111111111111\"") && strcontains(local.policy_fragments.caller, "<application-id>22222222-2222-2222-2222-222222222222</application-id>") && strcontains(local.policy_fragments.caller, "<audience>api://patient-records</audience>")
    error_message = "The token is not checked as configured."
  }

  assert {
    condition     = length(regexall("X-Caller-(User|Client|Roles)", local.policy_fragments.caller)) == 6
    error_message = "The user, the client application or the roles are not handed on."
  }
}

run "the_host_key_comes_from_the_vault_by_identity" {
  command = plan

  assert {
    condition     = strcontains(local.policy_fragments.host-key, "<set-url>https://kv.vault.azure.net/secrets/patient-api-key?api-version=7.4</set-url>") && strcontains(local.policy_fragments.host-key, "<authentication-managed-identity resource=\"https://vault.azure.net\" />")
    error_message = "The gateway has its key from elsewhere."
  }
}

run "the_api_policy_needs_no_escaping" {
  command = plan

  assert {
    condition     = !can(regex("&|@\\([^)]*[\"<>]", local.policies.api))
    error_message = "azurerm sends this policy as rawxml: an expression with quotes or brackets belongs into a fragment."
  }

  assert {
    condition     = alltrue([for fragment in azurerm_api_management_policy_fragment.main : fragment.format == "xml"])
    error_message = "Fragments are written as XML."
  }

  assert {
    condition     = alltrue([for name in flatten([for policy in concat(values(local.policies), values(local.product_policies)) : regexall("fragment-id=\"([^\"]+)\"", policy)]) : contains(keys(azurerm_api_management_policy_fragment.main), name)])
    error_message = "The policy includes a fragment that does not exist."
  }
}

run "each_subscription_has_a_rate_and_a_quota" {
  command = plan

  variables {
    rate_limit_per_minute = 7
    quota_per_day         = 70
  }

  assert {
    condition     = strcontains(local.product_policies.patient-records, "<rate-limit calls=\"7\" renewal-period=\"60\"") && strcontains(local.product_policies.patient-records, "<quota calls=\"70\" renewal-period=\"86400\"")
    error_message = "A subscription has no limit."
  }
}

run "no_body_no_header_and_no_key_is_logged" {
  command = plan

  assert {
    condition     = alltrue(flatten([for diagnostic in azurerm_api_management_diagnostic.main : [for part in [diagnostic.frontend_request[0], diagnostic.frontend_response[0], diagnostic.backend_request[0], diagnostic.backend_response[0]] : part.body_bytes == 0 && length(coalesce(part.headers_to_log, [])) == 0]]))
    error_message = "Bodies or headers would be logged."
  }

  assert {
    condition     = alltrue(flatten([for diagnostic in azurerm_api_management_diagnostic.main : [for part in [diagnostic.frontend_request[0], diagnostic.backend_request[0]] : toset([for query in part.data_masking[0].query_params : query.value if query.mode == "Hide"]) == toset(["code", "subscription-key"])]]))
    error_message = "A key in a URL would be logged."
  }
}
