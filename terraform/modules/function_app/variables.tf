variable "name" {
  type        = string
  description = "Name of the app; its host name is <name>.azurewebsites.net."

  validation {
    condition     = length(var.name) <= 32
    error_message = "The Functions host truncates names to 32 characters in its host id; two apps could then share one."
  }
}

variable "resource_group_name" {
  type        = string
  description = "Resource group of app and plan."
}

variable "location" {
  type        = string
  description = "Region of app and plan."
}

variable "plan_sku" {
  type        = string
  description = "Elastic Premium size."
}

variable "instances" {
  type        = object({ minimum = number, maximum = number })
  description = "Instances that are always ready, and the maximum."
}

variable "zone_redundant" {
  type        = bool
  description = "Spread the instances over availability zones."
}

variable "identity" {
  type        = object({ id = string, client_id = string })
  description = "User-assigned identity that reads package, host storage and secrets."
}

variable "integration_subnet_id" {
  type        = string
  description = "Delegated subnet for the app's outgoing traffic."
}

variable "caller_subnet_id" {
  type        = string
  description = "The only subnet that may call the app."
}

variable "host_storage_account_name" {
  type        = string
  description = "Storage account of the Functions host."
}

variable "package_url" {
  type        = string
  description = "URL of the package's blob."

  validation {
    condition     = startswith(var.package_url, "https://") && endswith(var.package_url, ".zip") && !strcontains(var.package_url, "?")
    error_message = "The package is an https URL that ends in .zip, without a signature: the identity reads it."
  }
}

variable "application_insights_connection_string" {
  type        = string
  sensitive   = true
  description = "Connection string for the telemetry of host and app."
}

variable "app_settings" {
  type        = map(string)
  description = "Settings of the app itself. Secrets only as Key Vault URIs."

  validation {
    condition     = !anytrue([for name in keys(var.app_settings) : can(regex("(KEY|STRING|PASSWORD|SECRET)$", name))])
    error_message = "A setting must not contain a secret: give the URI of the Key Vault secret, in a setting that ends in _SECRET_URI."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of app and plan."
}
