output "id" {
  value       = azurerm_linux_function_app.main.id
  description = "Resource id of the app."
}

output "name" {
  value       = azurerm_linux_function_app.main.name
  description = "Name of the app."
}

output "host_name" {
  value       = azurerm_linux_function_app.main.default_hostname
  description = "Host name of the app; it admits only its caller's subnet."
}

output "allowed_subnet_ids" {
  value = tolist([
    for restriction in azurerm_linux_function_app.main.site_config[0].ip_restriction :
    restriction.virtual_network_subnet_id if restriction.action == "Allow"
  ])
  description = "The subnets that the app admits."
}

output "app_settings" {
  value       = azurerm_linux_function_app.main.app_settings
  description = "The app's settings. They contain no secret."
}
