# Read out of the resource, since an apply of parts, with which a deployment begins, leaves outputs
# out of the state that depend on nothing.
output "environment" {
  value       = terraform_data.environment.output
  description = "Whose state this is. The scripts refuse to work on another environment's."
}

output "gateway_url" {
  value       = local.gateway_url
  description = "Where callers send their requests."
}

output "subscription_key" {
  value       = azurerm_api_management_subscription.first.primary_key
  sensitive   = true
  description = "Key of the first caller: terraform output -raw subscription_key."
}

output "function_apps" {
  value       = local.app_names
  description = "Names of the apps. Their host names answer 403 to everyone but their one caller."
}

output "resource_group" {
  value       = local.resource_group.name
  description = "Where everything is."
}

output "package_account" {
  value       = azurerm_storage_account.packages.name
  description = "Where packages are uploaded, into one container per app."
}

output "packages" {
  value       = var.packages
  description = "What runs: to apply something else without changing the code, hand it in again."
}

output "closed_urls" {
  value = concat(
    [for name in values(local.app_names) : "https://${name}.azurewebsites.net/"],
    [for name in values(local.app_names) : "https://${name}.scm.azurewebsites.net/"],
    ["${azurerm_key_vault.main.vault_uri}secrets?api-version=7.4"],
    ["${azurerm_storage_account.packages.primary_blob_endpoint}patient-tests-api/${var.packages.patient-tests-api}"],
    [for account in azurerm_storage_account.host : "${account.primary_blob_endpoint}azure-webjobs-secrets/host.json"],
    [for account in azurerm_cosmosdb_account.main : account.endpoint],
  )
  description = "Every public name beside the gateway's. Each must refuse."
}

# One output per map of roles.tf, so that each can be read as soon as what it names is there: the
# publishers' after the targeted step of scripts/deploy, the apps' while the whole apply still runs.

output "role_assignments_publishers" {
  value       = { for key, role in local.publisher_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to give before packages can be uploaded; none while assign_roles is true."
}

output "role_assignments_apps" {
  value       = { for key, role in local.app_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to give before the apps can start; none while assign_roles is true."
}

output "role_assignments_secrets" {
  value       = { for key, role in local.secret_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to give before anyone is answered; none while assign_roles is true."
}

output "monitoring_key" {
  value       = azurerm_api_management_subscription.monitoring.primary_key
  sensitive   = true
  description = "Key that may ask the gateway for /health and nothing else: terraform output -raw monitoring_key."
}
