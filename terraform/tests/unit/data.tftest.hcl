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

run "no_database_is_public" {
  command = plan

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : account.public_network_access_enabled == false && account.network_acl_bypass_for_azure_services == false && length(coalesce(account.ip_range_filter, [])) == 0 && length(account.virtual_network_rule) == 0])
    error_message = "A database can be reached from outside the network."
  }
}

run "each_app_has_a_database_account_of_its_own" {
  command = plan

  assert {
    condition     = azurerm_cosmosdb_account.main["patient-tests-api"].name != azurerm_cosmosdb_account.main["audit-api"].name && length(azurerm_cosmosdb_account.main) == 2
    error_message = "One credential would reach the data of both apps."
  }

  assert {
    condition     = alltrue([for app, database in azurerm_cosmosdb_mongo_database.main : database.account_name == azurerm_cosmosdb_account.main[app].name])
    error_message = "A database is in the account of the other app."
  }
}

run "collections_are_those_of_the_code" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_cosmosdb_mongo_collection.main)) == toset(["patient-tests-api/patients", "patient-tests-api/patientVersions", "patient-tests-api/tests", "patient-tests-api/testVersions", "patient-tests-api/reconciliation", "audit-api/audits"])
    error_message = "A collection is missing or too many."
  }

  assert {
    condition     = alltrue([for collection in azurerm_cosmosdb_mongo_collection.main : collection.shard_key == "_shardKey"])
    error_message = "A collection is sharded by something else."
  }

  assert {
    condition     = alltrue([for key, collection in azurerm_cosmosdb_mongo_collection.main : toset([for index in collection.index : join(",", index.keys)]) == toset(concat(["_id"], [for fields in local.collections[key].indexes : join(",", fields)]))])
    error_message = "The indexes are not those of the code, and _id."
  }

  assert {
    condition     = alltrue([for collection in azurerm_cosmosdb_mongo_collection.main : [for index in collection.index : index.keys[0] if index.unique == true] == ["_id"]])
    error_message = "_id is unique, and nothing else is."
  }
}

run "every_reader_sees_the_last_write_and_any_second_can_be_restored" {
  command = plan

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : account.consistency_policy[0].consistency_level == "Strong"])
    error_message = "Another instance could still hand out a deleted record."
  }

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : account.backup[0].type == "Continuous"])
    error_message = "A database has no continuous backup."
  }
}

run "databases_are_current_and_only_terraform_changes_their_shape" {
  command = plan

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : account.mongo_server_version == "7.0" && account.minimal_tls_version == "Tls12"])
    error_message = "An account speaks an old protocol."
  }

  assert {
    condition     = alltrue([for account in azurerm_cosmosdb_account.main : account.access_key_metadata_writes_enabled == false])
    error_message = "An account key could change collections and indexes."
  }
}

run "throughput_grows_by_itself" {
  command = plan

  variables {
    database_throughput_max = 2000
  }

  assert {
    condition     = alltrue([for database in azurerm_cosmosdb_mongo_database.main : database.autoscale_settings[0].max_throughput == 2000])
    error_message = "A database does not scale as asked."
  }
}

run "no_storage_account_has_keys_or_anonymous_readers" {
  command = plan

  assert {
    condition     = alltrue([for account in concat(values(azurerm_storage_account.host), [azurerm_storage_account.packages]) : account.shared_access_key_enabled == false && account.allow_nested_items_to_be_public == false && account.local_user_enabled == false && account.min_tls_version == "TLS1_2"])
    error_message = "A storage account is open to who has no role."
  }

  assert {
    condition     = alltrue([for container in azurerm_storage_container.package : container.container_access_type == "private"])
    error_message = "A package can be read without a name."
  }
}

run "the_storage_with_the_function_keys_is_closed" {
  command = plan

  variables {
    packages_private         = true
    package_upload_addresses = ["203.0.113.7"]
  }

  assert {
    condition     = alltrue([for account in azurerm_storage_account.host : account.public_network_access_enabled == false && account.network_rules[0].default_action == "Deny" && length(coalesce(account.network_rules[0].ip_rules, [])) == 0])
    error_message = "The storage with the function keys can be reached from outside the network."
  }
}

run "packages_can_be_fetched_from_the_platforms_network_and_from_ours" {
  command = plan

  assert {
    condition     = azurerm_storage_account.packages.public_network_access_enabled == true && azurerm_storage_account.packages.network_rules[0].default_action == "Allow"
    error_message = "The platform may not reach the packages, and no app would start."
  }

  assert {
    condition     = azurerm_private_endpoint.main["packages"].private_service_connection[0].private_connection_resource_id == azurerm_storage_account.packages.id
    error_message = "Over the integration, where the name is private, the packages would be out of reach."
  }
}

run "upload_addresses_leave_an_open_package_account_as_it_is" {
  command = plan

  variables {
    package_upload_addresses = ["203.0.113.7"]
  }

  assert {
    condition     = azurerm_storage_account.packages.network_rules[0].default_action == "Allow" && length(azurerm_storage_account.packages.network_rules[0].ip_rules) == 0
    error_message = "An upload would close the account to the apps."
  }
}

run "private_packages_are_reached_over_the_private_endpoint_alone" {
  command = plan

  variables {
    packages_private = true
  }

  assert {
    condition     = azurerm_storage_account.packages.public_network_access_enabled == false && azurerm_storage_account.packages.network_rules[0].default_action == "Deny" && length(azurerm_storage_account.packages.network_rules[0].ip_rules) == 0
    error_message = "The package account can be reached from outside the network."
  }

  assert {
    condition     = contains(keys(azurerm_private_endpoint.main), "packages")
    error_message = "Nobody would reach the packages."
  }
}

run "uploading_opens_a_private_package_account_to_one_address_and_nothing_else" {
  command = plan

  variables {
    packages_private         = true
    package_upload_addresses = ["203.0.113.7"]
  }

  assert {
    condition     = azurerm_storage_account.packages.public_network_access_enabled == true && azurerm_storage_account.packages.network_rules[0].default_action == "Deny" && azurerm_storage_account.packages.network_rules[0].ip_rules == toset(["203.0.113.7"])
    error_message = "The package account is open wider than for the upload."
  }
}
