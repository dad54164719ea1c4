variable "location" {
  type        = string
  description = "Azure region, by its programmatic name, such as westeurope."

  validation {
    condition     = can(regex("^[a-z0-9]+$", var.location))
    error_message = "Write the region without spaces and in lower case: westeurope, not West Europe."
  }
}

variable "environment" {
  type        = string
  description = "Short name of the environment; part of every resource name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,5}$", var.environment))
    error_message = "The environment is a letter followed by 1 to 5 lower-case letters or digits, such as dev or prod."
  }
}

variable "tags" {
  type = object({
    owner               = optional(string)
    cost_centre         = optional(string)
    data_classification = optional(string)
  })
  default     = {}
  description = "Owner, cost centre and data classification, as tags of every resource that supports them. Tags are plain text in bills and logs: no secrets."

  # Names are fixed, values may contain any character:
  # https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
  validation {
    condition     = alltrue([for value in values(var.tags) : value == null || try(length(value) >= 1 && length(value) <= 256, false)])
    error_message = "A tag has 1 to 256 characters. Omit the tags that you do not need."
  }
}

variable "resource_group_name" {
  type        = string
  default     = null
  description = "An existing resource group to use. Without it, one is created, which needs rights on the subscription."
}

variable "register_resource_providers" {
  type        = bool
  default     = true
  description = "Register the resource providers in use with the subscription. If false, somebody else registers those in providers.tf first."
}

variable "publisher_name" {
  type        = string
  description = "Organization that publishes the API; required by API Management."
}

variable "publisher_email" {
  type        = string
  description = "E-mail address for API Management's notifications about the service."

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.publisher_email))
    error_message = "That is not an e-mail address."
  }
}

variable "alert_emails" {
  type        = set(string)
  description = "E-mail addresses that receive alerts."

  validation {
    condition     = length(var.alert_emails) > 0
    error_message = "Name at least one address: somebody has to receive the alerts."
  }

  validation {
    condition     = alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "Every alert receiver must be an e-mail address."
  }
}

variable "packages" {
  type = object({
    patient-tests-api = string
    audit-api         = string
  })
  description = "Blob name of each app's package, in the app's container of the package account. New code needs a new name, because apps load a package when its name changes."

  validation {
    condition     = alltrue([for name in values(var.packages) : can(regex("^[A-Za-z0-9._-]+\\.zip$", name))])
    error_message = "A package is a blob name without folders that ends in .zip, as App Service requires."
  }
}

variable "package_publishers" {
  type        = set(string)
  default     = []
  description = "Entra ID object ids of the identities that may upload packages, such as the runner's service principal."

  validation {
    condition     = alltrue([for id in var.package_publishers : can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", id))])
    error_message = "Give object ids (GUIDs), not names."
  }
}

variable "assign_roles" {
  type        = bool
  default     = true
  description = "Assign the roles that apps, gateway and package_publishers need, which takes the right to write role assignments. If false, somebody with that right runs scripts/assign-roles."
}

variable "packages_private" {
  type        = bool
  default     = false
  description = "Close the package account to all networks except the system's own. First check that an app starts from a closed account: see storage.tf."
}

variable "package_upload_addresses" {
  type        = set(string)
  default     = []
  description = "Public IPv4 addresses that may reach a private package account (packages_private) during an upload. Empty closes it."

  validation {
    condition     = alltrue([for address in var.package_upload_addresses : can(cidrhost("${address}/32", 0))])
    error_message = "Give single IPv4 addresses without a prefix length. An upload never needs a range."
  }
}

variable "address_space" {
  type        = string
  default     = "10.80.0.0/23"
  description = "Address range of the virtual network, divided into two subnets of 128 and two of 64 addresses."

  validation {
    condition     = can(cidrhost(var.address_space, 0)) && try(tonumber(split("/", var.address_space)[1]) <= 23, false)
    error_message = "Give an IPv4 range with room for two /25 and two /26 subnets: a /23 or larger."
  }
}

variable "allowed_client_ranges" {
  type        = set(string)
  default     = []
  description = "IPv4 ranges that may reach the gateway. Empty allows every address; callers still need a key."

  # cidrsubnet returns the range as Azure writes it.
  validation {
    condition     = alltrue([for range in var.allowed_client_ranges : try(cidrsubnet(range, 0, 0) == range && strcontains(range, ".") && !endswith(range, "/0"), false)])
    error_message = "Give IPv4 ranges with their prefix length, such as 203.0.113.0/24 or 203.0.113.7/32, with no bits set after the prefix. To allow every address, leave the set empty."
  }
}

variable "api_management_sku" {
  type        = string
  default     = "Developer_1"
  description = "Tier and units of API Management. Developer has no service level agreement."

  validation {
    condition     = can(regex("^(Developer_1|Premium_([1-9]|1[0-9]|2[0-9]|3[01]))$", var.api_management_sku))
    error_message = "Only Developer_1 and Premium_1 to Premium_31 can be in a virtual network and keep a public endpoint."
  }
}

variable "gateway_domain" {
  type = object({
    host_name      = string
    certificate_id = string
    vault_id       = optional(string)
  })
  default     = null
  description = "Your own host name for the gateway, and the Key Vault secret of its certificate, in your own vault. With the vault's resource id, API Management is assigned the role to read it."

  validation {
    condition     = var.gateway_domain == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.gateway_domain.host_name))
    error_message = "Write the host name in lower case and without https://, such as api.example.com."
  }

  # With a version, API Management would keep an expired certificate.
  validation {
    condition     = var.gateway_domain == null || can(regex("^https://[a-z0-9-]+\\.vault\\.azure\\.net/secrets/[A-Za-z0-9-]+$", var.gateway_domain.certificate_id))
    error_message = "Give the id of the certificate's secret without a version: https://VAULT.vault.azure.net/secrets/NAME."
  }

  validation {
    condition     = try(var.gateway_domain.vault_id, null) == null || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.KeyVault/vaults/[^/]+$", var.gateway_domain.vault_id))
    error_message = "vault_id is the resource id of the vault, /subscriptions/.../providers/Microsoft.KeyVault/vaults/NAME."
  }
}

variable "function_plan_sku" {
  type        = string
  default     = "EP1"
  description = "Size of the Elastic Premium instances. The apps themselves need about 12 MB and one processor."

  validation {
    condition     = contains(["EP1", "EP2", "EP3"], var.function_plan_sku)
    error_message = "Choose EP1, EP2 or EP3: the network integration and the warm instances need Elastic Premium."
  }
}

variable "instances" {
  type = object({
    minimum = number
    maximum = number
  })
  default     = { minimum = 1, maximum = 5 }
  description = "Number of instances that each app keeps ready, and its maximum."

  # https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#region-max-scale-out
  validation {
    condition     = var.instances.minimum >= 1 && var.instances.minimum <= var.instances.maximum && var.instances.maximum <= 20
    error_message = "Give a minimum of at least 1 and a maximum of at most 20, the limit of Linux on Elastic Premium in most regions."
  }

  validation {
    condition     = !var.zone_redundant || var.instances.minimum >= 3
    error_message = "Zone redundancy needs at least 3 instances, one per zone."
  }
}

variable "zone_redundant" {
  type        = bool
  default     = false
  description = "Spread apps, storage and API Management over three availability zones; for the databases see database_zone_redundant."

  validation {
    condition     = !var.zone_redundant || startswith(var.api_management_sku, "Premium_")
    error_message = "Zone redundancy needs API Management Premium: Developer has one unit."
  }
}

# Separate from zone_redundant, because many regions refuse it, or allow it on request only:
# https://github.com/Azure-Samples/microsoft-foundry-baseline/pull/55. Azure cannot change it in place:
# https://learn.microsoft.com/azure/reliability/migrate-cosmos-nosql
variable "database_zone_redundant" {
  type        = bool
  default     = false
  description = "Spread the databases over three availability zones. Request quota first (https://aka.ms/cosmosdbquota), and decide before there is data: a region gets zones only when it is added to an account."
}

variable "database_throughput_max" {
  type        = number
  default     = 1000
  description = "Maximum request units per second of each database (autoscale); a tenth of it is always charged."

  validation {
    condition     = var.database_throughput_max >= 1000 && var.database_throughput_max % 1000 == 0
    error_message = "Give autoscale throughput as a multiple of 1000, at least 1000."
  }
}

variable "database_backup_tier" {
  type        = string
  default     = "Continuous7Days"
  description = "How far back a database can be restored, to the second. Seven days are free."

  validation {
    condition     = contains(["Continuous7Days", "Continuous30Days"], var.database_backup_tier)
    error_message = "Choose Continuous7Days or Continuous30Days."
  }
}

variable "database_key" {
  type        = string
  default     = "primary"
  description = "Which of the two account keys the apps use. Change it, apply, then regenerate the other one."

  validation {
    condition     = contains(["primary", "secondary"], var.database_key)
    error_message = "An account has two keys: primary and secondary."
  }
}

variable "database_key_rotation" {
  type        = number
  default     = 1
  description = "Increase by one to write the current account keys to Key Vault again, after one was regenerated."

  validation {
    condition     = var.database_key_rotation >= 1 && floor(var.database_key_rotation) == var.database_key_rotation
    error_message = "Count rotations in whole numbers from 1."
  }
}

variable "function_key_rotation" {
  type        = number
  default     = 1
  description = "Increase by one to rotate the function keys: new keys go to the other slot, the current ones stay valid until the next rotation."

  validation {
    condition     = var.function_key_rotation >= 1 && floor(var.function_key_rotation) == var.function_key_rotation
    error_message = "Count rotations in whole numbers from 1."
  }
}

variable "rate_limit_per_minute" {
  type        = number
  default     = 600
  description = "Calls per minute and subscription."

  validation {
    condition     = var.rate_limit_per_minute >= 1
    error_message = "Allow at least one call per minute."
  }
}

variable "quota_per_day" {
  type        = number
  default     = 100000
  description = "Calls per day and subscription."

  validation {
    condition     = var.quota_per_day >= 1
    error_message = "Allow at least one call per day."
  }
}

variable "products_file" {
  type        = string
  default     = "products.json"
  description = "File in terraform/ with the scopes, the products and their subscriptions."

  # The scripts read the outputs of these two.
  validation {
    condition     = alltrue([for id in ["first-caller", "monitoring"] : contains(keys(jsondecode(file("${path.root}/${var.products_file}")).subscriptions), id)])
    error_message = "The file needs the subscriptions first-caller and monitoring."
  }
}

variable "entra_id" {
  type = object({
    tenant_id              = string
    client_application_ids = list(string)
    audience               = string
  })
  default     = null
  description = "Requires an Entra ID token of one of these applications in addition to the subscription key. Its subject becomes the user in the audit record, and its app roles limit the scopes of the product."

  validation {
    condition     = var.entra_id == null || try(length(var.entra_id.client_application_ids) > 0, false)
    error_message = "Name at least one client application, or omit entra_id."
  }
}

variable "purpose_of_use" {
  type        = string
  default     = "recorded"
  description = "Whether callers may name the purpose of a request in X-Purpose-Of-Use (recorded), or must (required)."

  validation {
    condition     = contains(["recorded", "required"], var.purpose_of_use)
    error_message = "Choose recorded or required."
  }
}

variable "patients_per_hour_max" {
  type        = number
  default     = 200
  description = "How many different patients one user, or one subscription whose callers have no token, reads in an hour before there is an alert."

  validation {
    condition     = var.patients_per_hour_max >= 1 && floor(var.patients_per_hour_max) == var.patients_per_hour_max
    error_message = "Give a whole number of patients, at least 1."
  }
}

variable "locks" {
  type        = bool
  default     = false
  description = "Lock the vault, the databases, the workspace and the register's storage against deletion, which takes the right to write locks."
}

variable "availability_test" {
  type        = bool
  default     = true
  description = "Request /health every five minutes from five locations, with an alert. About 43 000 charged requests a month; without them callers notice an outage first."
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How long logs and traces are kept, in days. The audit register is a database and keeps its records."

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "Log Analytics keeps logs for 30 to 730 days."
  }
}

variable "log_daily_cap_gb" {
  type        = number
  default     = null
  description = "Gigabytes a day after which the workspace accepts no more logs and traces, with an alert. Without it there is no cap."

  validation {
    condition     = try(var.log_daily_cap_gb > 0, var.log_daily_cap_gb == null)
    error_message = "A cap is greater than 0. For no cap, omit log_daily_cap_gb."
  }
}

variable "monthly_budget" {
  type        = number
  default     = null
  description = "Monthly budget of the resource group, in the currency of the account. alert_emails are notified at 80 % spent and at 100 % forecast; nothing is stopped."

  validation {
    condition     = try(var.monthly_budget >= 1, var.monthly_budget == null)
    error_message = "A budget is at least 1. For no budget, omit monthly_budget."
  }
}

variable "log_level" {
  type        = string
  default     = "info"
  description = "RUST_LOG of both apps."

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "Choose error, warn, info or debug."
  }
}

variable "telemetry_sampling_ratio" {
  type        = number
  description = "Share of traces that the apps send to Application Insights, from 0 to 1, when the caller made no decision. Metrics are never sampled."
  default     = 1

  validation {
    condition     = var.telemetry_sampling_ratio >= 0 && var.telemetry_sampling_ratio <= 1
    error_message = "telemetry_sampling_ratio is a number from 0 to 1."
  }
}
