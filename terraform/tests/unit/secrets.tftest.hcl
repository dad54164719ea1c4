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

run "the_vault_is_closed_and_cannot_be_purged" {
  command = plan

  assert {
    condition     = azurerm_key_vault.main.public_network_access_enabled == false && azurerm_key_vault.main.network_acls[0].default_action == "Deny" && azurerm_key_vault.main.network_acls[0].bypass == "None"
    error_message = "The vault can be reached from outside the network."
  }

  assert {
    condition     = azurerm_key_vault.main.rbac_authorization_enabled == true && azurerm_key_vault.main.purge_protection_enabled == true && azurerm_key_vault.main.soft_delete_retention_days == 90
    error_message = "The vault lacks roles or purge protection."
  }
}

run "each_identity_reads_its_own_secrets_and_no_other" {
  command = plan

  assert {
    condition     = { for key, role in azurerm_role_assignment.secret_reader : key => role.principal_id } == { "patient-database/patient-tests-api" = "00000000-0000-0000-0000-0000000000b2", "audit-database/audit-api" = "00000000-0000-0000-0000-0000000000c2", "patient-api-key/api-management" = "00000000-0000-0000-0000-0000000000aa", "audit-api-key/patient-tests-api" = "00000000-0000-0000-0000-0000000000b2", "audit-api-reading-key/patient-tests-api" = "00000000-0000-0000-0000-0000000000b2" }
    error_message = "Someone reads a secret that is not theirs, or cannot read their own."
  }

  assert {
    condition     = alltrue([for key, role in azurerm_role_assignment.secret_reader : role.role_definition_name == "Key Vault Secrets User" && role.scope == "${azurerm_key_vault.main.id}/secrets/${split("/", key)[0]}"])
    error_message = "A role reaches further than one secret."
  }
}

run "connection_strings_are_made_inside_azure" {
  command = plan

  assert {
    condition     = alltrue([for key, secret in azapi_resource.database_secret : strcontains(jsonencode(secret.body), "listKeys(") && secret.body.properties.parameters.key.value == "primaryMasterKey"])
    error_message = "A connection string would pass through the runner."
  }

  assert {
    condition     = { for app, secret in azapi_resource.database_secret : app => secret.body.properties.parameters.secret.value } == { patient-tests-api = "patient-database", audit-api = "audit-database" } && alltrue([for app, secret in azapi_resource.database_secret : secret.body.properties.parameters.account.value == azurerm_cosmosdb_account.main[app].name])
    error_message = "A secret holds the connection string of the other app."
  }
}

run "another_account_key_is_written_when_asked_for" {
  command = plan

  variables {
    database_key          = "secondary"
    database_key_rotation = 2
  }

  assert {
    condition     = alltrue([for secret in azapi_resource.database_secret : secret.body.properties.parameters.key.value == "secondaryMasterKey" && endswith(secret.name, "-2")])
    error_message = "The secret still holds the key that is about to be regenerated."
  }
}

run "function_keys_are_in_no_plan_and_no_state" {
  command = plan

  assert {
    condition     = alltrue([for key in azapi_resource.function_key : key.sensitive_body == null && !contains(keys(key.body.properties.parameters), "value")])
    error_message = "The value of a key would be stored."
  }

  assert {
    condition     = alltrue([for template in local.function_key_templates : template.parameters.value.type == "secureString"])
    error_message = "The deployment would keep the value of the key in its history."
  }
}

run "each_caller_has_a_key_of_its_own_name" {
  command = plan

  assert {
    condition     = { for secret, key in azapi_resource.function_key : secret => key.body.properties.parameters.name.value } == { patient-api-key = "api-management-a", audit-api-key = "patient-tests-api-a", audit-api-reading-key = "patient-tests-api-a" }
    error_message = "A key does not say whose it is."
  }

  assert {
    condition     = { for secret, key in azapi_resource.function_key : secret => key.body.properties.parameters.app.value } == { patient-api-key = local.app_names["patient-tests-api"], audit-api-key = local.app_names["audit-api"], audit-api-reading-key = local.app_names["audit-api"] } && alltrue([for secret, key in azapi_resource.function_key : key.body.properties.parameters.secret.value == secret])
    error_message = "A key goes to another host or into another secret."
  }
}

run "each_key_opens_what_its_caller_calls_and_nothing_else" {
  command = plan

  assert {
    condition = {
      for secret, key in azapi_resource.function_key : secret => [
        for resource in key.body.properties.template.resources : "${resource.type} ${resource.name}" if startswith(resource.type, "Microsoft.Web/")
      ]
      } == {
      patient-api-key = ["Microsoft.Web/sites/host/functionKeys [concat(parameters('app'), '/default/', parameters('name'))]"]
      audit-api-key = [
        "Microsoft.Web/sites/functions/keys [concat(parameters('app'), '/CreateAuditRecord/', parameters('name'))]",
        "Microsoft.Web/sites/functions/keys [concat(parameters('app'), '/CreateAuditRecords/', parameters('name'))]",
        "Microsoft.Web/sites/functions/keys [concat(parameters('app'), '/Health/', parameters('name'))]",
      ]
      audit-api-reading-key = [
        "Microsoft.Web/sites/functions/keys [concat(parameters('app'), '/LoadAuditRecord/', parameters('name'))]",
        "Microsoft.Web/sites/functions/keys [concat(parameters('app'), '/SearchAuditRecords/', parameters('name'))]",
      ]
    }
    error_message = "Who writes audit records could read them, or cannot write them."
  }

  assert {
    condition = toset(concat(local.function_keys["audit-api-key"].opens, local.function_keys["audit-api-reading-key"].opens)) == toset([
      for json in fileset("${path.root}/../audit-api", "functions/*/function.json") : dirname(json) if strcontains(file("${path.root}/../audit-api/${json}"), "httpTrigger")
    ])
    error_message = "A function of the Audit API has no key, or there is none with the name of a key."
  }
}

run "a_rotation_writes_the_other_slot_and_a_new_version" {
  command = plan

  variables {
    function_key_rotation = 2
  }

  assert {
    condition     = alltrue([for key in azapi_resource.function_key : endswith(key.body.properties.parameters.name.value, "-b")])
    error_message = "The rotation replaces the key that callers still use."
  }

  assert {
    condition     = alltrue([for key in azapi_resource.function_key : startswith(key.sensitive_body_version["properties.parameters.value.value"], "2-")])
    error_message = "The rotation sends no new value."
  }
}

run "the_next_rotation_comes_back_to_the_first_slot" {
  command = plan

  variables {
    function_key_rotation = 3
  }

  assert {
    condition     = alltrue([for key in azapi_resource.function_key : endswith(key.body.properties.parameters.name.value, "-a") && startswith(key.sensitive_body_version["properties.parameters.value.value"], "3-")])
    error_message = "Slots do not alternate."
  }
}

run "a_host_knows_a_key_before_its_caller_does" {
  command = plan

  assert {
    condition = { for secret, template in local.function_key_templates : secret => [for resource in template.resources : resource.dependsOn if resource.type == "Microsoft.KeyVault/vaults/secrets"] } == {
      patient-api-key = [["[resourceId('Microsoft.Web/sites/host/functionKeys', parameters('app'), 'default', parameters('name'))]"]]
      audit-api-key = [[
        "[resourceId('Microsoft.Web/sites/functions/keys', parameters('app'), 'CreateAuditRecord', parameters('name'))]",
        "[resourceId('Microsoft.Web/sites/functions/keys', parameters('app'), 'CreateAuditRecords', parameters('name'))]",
        "[resourceId('Microsoft.Web/sites/functions/keys', parameters('app'), 'Health', parameters('name'))]",
      ]]
      audit-api-reading-key = [[
        "[resourceId('Microsoft.Web/sites/functions/keys', parameters('app'), 'LoadAuditRecord', parameters('name'))]",
        "[resourceId('Microsoft.Web/sites/functions/keys', parameters('app'), 'SearchAuditRecords', parameters('name'))]",
      ]]
    }
    error_message = "The vault would hand out a key that the host refuses."
  }
}

run "each_host_is_asked_for_its_keys_and_nothing_of_the_answer_is_kept" {
  command = plan

  assert {
    condition = toset([for wait in azapi_resource_action.function_keys : "${wait.method} ${wait.resource_id} ${wait.action}"]) == toset([
      "POST ${module.function_app["patient-tests-api"].id} host/default/listKeys",
      "POST ${module.function_app["audit-api"].id} functions/CreateAuditRecord/listKeys",
      "POST ${module.function_app["audit-api"].id} functions/CreateAuditRecords/listKeys",
      "POST ${module.function_app["audit-api"].id} functions/Health/listKeys",
      "POST ${module.function_app["audit-api"].id} functions/LoadAuditRecord/listKeys",
      "POST ${module.function_app["audit-api"].id} functions/SearchAuditRecords/listKeys",
    ])
    error_message = "It would not be known whether a host takes keys."
  }

  assert {
    condition     = alltrue([for wait in azapi_resource_action.function_keys : length(wait.response_export_values) == 0 && length(wait.sensitive_response_export_values) == 0])
    error_message = "The keys of a host would be in the state."
  }
}

run "a_host_that_does_not_take_keys_yet_is_asked_again" {
  command = plan

  assert {
    condition = alltrue(flatten([for wait in azapi_resource_action.function_keys : [
      for answer in [
        "RESPONSE 400: 400 Bad Request\nERROR CODE: BadRequest\n{\"Message\": \"Encountered an error (ServiceUnavailable) from host runtime.\"}",
        "RESPONSE 400: 400 Bad Request\nERROR CODE: BadRequest\n{\"Message\": \"Encountered an error (InternalServerError) from host runtime.\"}",
        "RESPONSE 400: 400 Bad Request\nERROR CODE: BadRequest\n{\"Message\": \"Encountered an error (BadGateway) from host runtime.\"}",
        "RESPONSE 404: 404 Not Found\nERROR CODE: ResourceNotFound\n",
      ] : anytrue([for pattern in wait.retry.error_message_regex : can(regex(pattern, answer))])
    ]]))
    error_message = "A host that still starts would end the deployment."
  }

  assert {
    condition = !anytrue(flatten([for wait in azapi_resource_action.function_keys : [
      for pattern in wait.retry.error_message_regex :
      can(regex(pattern, "RESPONSE 403: 403 Forbidden\nERROR CODE: AuthorizationFailed\ndoes not have authorization to perform action 'Microsoft.Web/sites/host/listKeys/action'"))
    ]]))
    error_message = "Missing rights would be waited for."
  }
}

run "a_host_is_asked_again_after_a_rotation_or_new_code" {
  command = plan

  assert {
    condition     = { for opened, write in terraform_data.function_key_write : split("/", opened)[0] => write.input.package... } == { patient-api-key = ["patient-1.zip"], audit-api-key = ["audit-1.zip", "audit-1.zip", "audit-1.zip"], audit-api-reading-key = ["audit-1.zip", "audit-1.zip"] }
    error_message = "A host that starts new code could be sent keys too early."
  }

  assert {
    condition     = alltrue([for opened, write in terraform_data.function_key_write : write.input.version == azapi_resource.function_key[split("/", opened)[0]].sensitive_body_version["properties.parameters.value.value"]])
    error_message = "Keys could be sent to a host that was not asked."
  }
}

run "no_output_shows_a_key" {
  command = plan

  assert {
    condition     = issensitive(output.subscription_key)
    error_message = "The subscription key is printed in plain."
  }

  assert {
    condition     = alltrue([for value in concat([output.gateway_url, output.resource_group, output.package_account], values(output.function_apps), output.closed_endpoints[*].url) : !issensitive(value) && !can(regex("(?i)key=|AccountKey|sig=|password", value))])
    error_message = "An output holds a credential."
  }
}
