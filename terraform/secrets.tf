# Writes the secrets into the vault, through the management plane only: the runner is outside the network
# and can reach neither the vault nor the hosts. Each write is an ARM deployment, for three reasons. The
# value is a secure parameter or is created inside Azure, so it is neither in the state nor in the
# deployment's history. A key is written to host and vault in one step, which is repeated as a whole if
# it is interrupted. And a deployment can be destroyed, unlike a secret, which the management plane
# cannot delete. The vault's firewall admits the management plane:
# https://github.com/MicrosoftDocs/azure-docs/issues/68668

locals {
  arm_schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

  database_secrets = {
    patient-tests-api = "patient-database"
    audit-api         = "audit-database"
  }

  # {0} is the account, {1} its key.
  connection_string = "mongodb://{0}:{1}@{0}.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@{0}@"

  # listKeys runs inside Azure: the connection string never reaches the runner.
  database_secret_template = {
    "$schema"      = local.arm_schema
    contentVersion = "1.0.0.0"
    parameters = {
      account = { type = "string" }
      key     = { type = "string", allowedValues = ["primaryMasterKey", "secondaryMasterKey"] }
      vault   = { type = "string" }
      secret  = { type = "string" }
    }
    resources = [{
      type       = "Microsoft.KeyVault/vaults/secrets"
      apiVersion = "2023-07-01"
      name       = "[concat(parameters('vault'), '/', parameters('secret'))]"
      properties = {
        contentType = "MongoDB connection string"
        # In Azure's format, but with the key percent-encoded, as MongoDB requires.
        value = "[format('${local.connection_string}', parameters('account'), uriComponent(listKeys(resourceId('Microsoft.DocumentDB/databaseAccounts', parameters('account')), '2024-11-15')[parameters('key')]))]"
      }
    }]
  }

  # Secret → the called app, its caller, and what the key opens: a whole host, or single functions.
  # The key that writes audit records reads none, and the other way round.
  function_keys = {
    patient-api-key = {
      app    = "patient-tests-api"
      caller = "api-management"
      opens  = ["host/default"]
    }
    audit-api-key = {
      app    = "audit-api"
      caller = "patient-tests-api"
      opens  = ["functions/CreateAuditRecord", "functions/CreateAuditRecords", "functions/Health"]
    }
    audit-api-reading-key = {
      app    = "audit-api"
      caller = "patient-tests-api"
      opens  = ["functions/LoadAuditRecord", "functions/SearchAuditRecords"]
    }
  }

  opened_by = merge([
    for secret, key in local.function_keys : {
      for path in key.opens : "${secret}/${path}" => { secret = secret, app = key.app, path = path }
    }
  ]...)

  # Rotations alternate between two slots, so the previous key stays valid until the next rotation.
  function_key_slot = var.function_key_rotation % 2 == 1 ? "a" : "b"
  function_key_versions = {
    for secret, template in local.function_key_templates :
    secret => "${var.function_key_rotation}-${sha1(jsonencode(template))}"
  }

  # `functionKeys` is in no published schema: https://github.com/Azure/azure-rest-api-specs/issues/13424
  # `keys` is, but without the `properties` that the host takes:
  # https://github.com/Azure/azure-rest-api-specs/pull/17653
  function_key_types = {
    host      = "Microsoft.Web/sites/host/functionKeys"
    functions = "Microsoft.Web/sites/functions/keys"
  }

  function_key_templates = {
    for secret, key in local.function_keys : secret => {
      "$schema"      = local.arm_schema
      contentVersion = "1.0.0.0"
      parameters = {
        app    = { type = "string" }
        name   = { type = "string" }
        vault  = { type = "string" }
        secret = { type = "string" }
        value  = { type = "secureString" }
      }
      resources = concat(
        [for path in key.opens : {
          type       = local.function_key_types[dirname(path)]
          apiVersion = "2018-11-01"
          name       = "[concat(parameters('app'), '/${basename(path)}/', parameters('name'))]"
          properties = {
            name  = "[parameters('name')]"
            value = "[parameters('value')]"
          }
        }],
        [{
          type       = "Microsoft.KeyVault/vaults/secrets"
          apiVersion = "2023-07-01"
          name       = "[concat(parameters('vault'), '/', parameters('secret'))]"
          # The host first: a caller must never read a key that the host does not accept yet.
          dependsOn = [
            for path in key.opens :
            "[resourceId('${local.function_key_types[dirname(path)]}', parameters('app'), '${basename(path)}', parameters('name'))]"
          ]
          properties = {
            contentType = "Functions key"
            value       = "[parameters('value')]"
          }
        }],
      )
    }
  }
}

resource "azapi_resource" "database_secret" {
  for_each = local.database_secrets

  type      = "Microsoft.Resources/deployments@2024-03-01"
  name      = "${each.value}-${var.database_key_rotation}"
  parent_id = local.resource_group.id

  body = {
    properties = {
      mode     = "Incremental"
      template = local.database_secret_template
      parameters = {
        account = { value = azurerm_cosmosdb_account.main[each.key].name }
        key     = { value = "${var.database_key}MasterKey" }
        vault   = { value = azurerm_key_vault.main.name }
        secret  = { value = each.value }
      }
    }
  }
}

# A new value at each run; only the value that a rotation sends is used.
ephemeral "random_password" "function_key" {
  for_each = local.function_keys

  length  = 56
  special = false
}

# A new package restarts the host, and a rotation needs a running one: after either, wait again below.
resource "terraform_data" "function_key_write" {
  for_each = local.opened_by

  input = { package = var.packages[each.value.app], version = local.function_key_versions[each.value.secret] }
}

# Waits until a host accepts keys: at first it is still starting, does not know its functions, and its role
# on its storage takes minutes to become effective. A deployment cannot wait: azapi's `retry` repeats single requests, and a deployment
# that fails is a request that succeeded (NewRetryOptions in azapi's internal/clients/options.go). Listing
# the keys is one request with the same needs: a running host, the function, and the storage with its keys.
resource "azapi_resource_action" "function_keys" {
  for_each = local.opened_by

  type        = "Microsoft.Web/sites@2023-12-01"
  resource_id = module.function_app[each.value.app].id
  action      = "${each.value.path}/listKeys"
  method      = "POST"

  # azapi stores only the listed parts of the response in the state:
  # https://github.com/Azure/terraform-provider-azapi/blob/main/internal/services/azapi_resource_action_resource.go
  response_export_values           = []
  sensitive_response_export_values = []

  # Both responses are 400: "Encountered an error (ServiceUnavailable) from host runtime", or
  # (InternalServerError). azapi always repeats 408, 429 and 500 to 504.
  # https://github.com/Azure/azure-functions-host/issues/5722, https://github.com/Azure/azure-cli/issues/20892
  retry = {
    error_message_regex  = ["Encountered an error", "RESPONSE 404"]
    interval_seconds     = 15
    max_interval_seconds = 60
  }

  timeouts {
    create = "30m"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.function_key_write[each.key]]
  }
}

# Safe to repeat. An interrupted write has not stored its version in the state, so the next apply
# sends a new value to the same slot, to the host first. If the vault does not have that slot's key yet,
# callers continue with the other one. If it has, they are refused between the two writes.
resource "azapi_resource" "function_key" {
  for_each = local.function_keys

  type      = "Microsoft.Resources/deployments@2024-03-01"
  name      = each.key
  parent_id = local.resource_group.id

  body = {
    properties = {
      mode     = "Incremental"
      template = local.function_key_templates[each.key]
      parameters = {
        app    = { value = module.function_app[each.value.app].name }
        name   = { value = "${each.value.caller}-${local.function_key_slot}" }
        vault  = { value = azurerm_key_vault.main.name }
        secret = { value = each.key }
      }
    }
  }

  sensitive_body = {
    properties = {
      parameters = {
        value = { value = ephemeral.random_password.function_key[each.key].result }
      }
    }
  }

  # Without a version azapi compares hashes of the value, and would rotate at every apply. With a
  # version it sends the value only when the version changes, so the template is part of the version.
  sensitive_body_version = {
    "properties.parameters.value.value" = local.function_key_versions[each.key]
  }

  timeouts {
    create = "20m"
    update = "20m"
  }

  depends_on = [azapi_resource_action.function_keys]
}
