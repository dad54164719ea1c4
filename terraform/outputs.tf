# Read from the resource: the targeted apply that begins a deployment writes no outputs that depend on
# no resource.
output "environment" {
  value       = terraform_data.environment.triggers_replace
  description = "Environment of this state. The scripts refuse the state of another environment."
}

output "gateway_url" {
  value       = local.gateway_url
  description = "URL of the gateway."
}

output "subscription_key" {
  value       = azurerm_api_management_subscription.main["first-caller"].primary_key
  sensitive   = true
  description = "Key of the first caller: terraform output -raw subscription_key."
}

output "subscription_keys" {
  value       = { for id, subscription in azurerm_api_management_subscription.main : id => subscription.primary_key }
  sensitive   = true
  description = "Keys of all subscriptions, by id: terraform output -json subscription_keys."
}

output "function_apps" {
  value       = local.app_names
  description = "Names of the apps. Their host names answer 403 to everyone except their caller."
}

output "resource_group" {
  value       = local.resource_group.name
  description = "Name of the resource group."
}

output "package_account" {
  value       = azurerm_storage_account.packages.name
  description = "Storage account of the packages, with one container per app."
}

output "packages" {
  value       = var.packages
  description = "Deployed packages. Pass them as var.packages to apply another change without new code."
}

locals {
  # Accounts that refuse every public request, with or without a token.
  private_accounts = concat(values(azurerm_storage_account.host), var.packages_private ? [azurerm_storage_account.packages] : [])
}

output "closed_endpoints" {
  value = concat(
    [for app, name in local.app_names : { kind = "app", url = "https://${name}.azurewebsites.net/", id = module.function_app[app].id }],
    [for app, name in local.app_names : { kind = "scm", url = "https://${name}.scm.azurewebsites.net/", id = module.function_app[app].id }],
    [{ kind = "vault", url = "${azurerm_key_vault.main.vault_uri}secrets?api-version=7.4", id = azurerm_key_vault.main.id }],
    [for account in local.private_accounts : { kind = "storage", url = "${account.primary_blob_endpoint}?comp=list", id = account.id }],
    [for account in var.packages_private ? [] : [azurerm_storage_account.packages] : { kind = "code", url = "${account.primary_blob_endpoint}patient-tests-api/${var.packages.patient-tests-api}", id = account.id }],
    [for account in azurerm_cosmosdb_account.main : { kind = "database", url = account.endpoint, id = account.id }],
    [for kind, name in { developer-portal = "developer", legacy-portal = "portal" } : { kind = kind, url = "https://${azurerm_api_management.main.name}.${name}.azure-api.net/", id = azurerm_api_management.main.id }],
    [for kind, name in { access = "management", gitAccess = "scm" } : { kind = "tenant", url = "https://${azurerm_api_management.main.name}.${name}.azure-api.net/", id = "${azurerm_api_management.main.id}/tenant/${kind}" }],
  )
  description = "Every public name except the gateway's. scripts/check-deployment knows the expected answer of each kind."
}

# One output per map of roles.tf, so that each can be read as soon as its principals exist: the
# publishers' after the targeted step of scripts/deploy, the apps' while the full apply still runs.

output "role_assignments_publishers" {
  value       = { for key, role in local.publisher_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to assign before packages can be uploaded; none if assign_roles is true."
}

output "role_assignments_apps" {
  value       = { for key, role in local.app_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to assign before the apps can start; none if assign_roles is true."
}

output "role_assignments_secrets" {
  value       = { for key, role in local.secret_roles : key => role if !var.assign_roles }
  description = "Roles that scripts/assign-roles has to assign before requests work; none if assign_roles is true."
}

output "monitoring_key" {
  value       = azurerm_api_management_subscription.main["monitoring"].primary_key
  sensitive   = true
  description = "Key that is valid for /health only: terraform output -raw monitoring_key."
}
