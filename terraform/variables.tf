variable "location" {
  type        = string
  description = "Azure region, in its programmatic spelling, such as westeurope."

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
  description = "Who answers for it, who pays for it, and what is in it: tags of everything that can have tags. They are plain text in bills and logs, so no place for secrets."

  # Names are fixed, values may hold any character:
  # https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
  validation {
    condition     = alltrue([for value in values(var.tags) : value == null || try(length(value) >= 1 && length(value) <= 256, false)])
    error_message = "A tag has 1 to 256 characters. Leave out what you have no word for."
  }
}

variable "resource_group_name" {
  type        = string
  default     = null
  description = "A resource group that is there already, to put everything into. Left out, one is made, which needs rights on the subscription."
}

variable "register_resource_providers" {
  type        = bool
  default     = true
  description = "Register the resource providers that are used with the subscription. Off for who may not: someone else registers those in providers.tf first."
}

variable "publisher_name" {
  type        = string
  description = "Organization that publishes the API; API Management wants to know it."
}

variable "publisher_email" {
  type        = string
  description = "Address that API Management writes to about the service."

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.publisher_email))
    error_message = "That is not an e-mail address."
  }
}

variable "alert_emails" {
  type        = set(string)
  description = "Who gets alerts by e-mail."

  validation {
    condition     = length(var.alert_emails) > 0
    error_message = "Name at least one address: an alert that nobody receives is none."
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
  description = "Blob name of each app's package, in the app's container of the package account. A new name for new code: the name is what makes the apps load it."

  validation {
    condition     = alltrue([for name in values(var.packages) : can(regex("^[A-Za-z0-9._-]+\\.zip$", name))])
    error_message = "A package is a blob name that ends in .zip, which App Service insists on, without folders."
  }
}

variable "package_publishers" {
  type        = set(string)
  default     = []
  description = "Entra ID object ids of who may upload packages, such as the runner's service principal."

  validation {
    condition     = alltrue([for id in var.package_publishers : can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", id))])
    error_message = "Give object ids, which are GUIDs, and not names."
  }
}

variable "assign_roles" {
  type        = bool
  default     = true
  description = "Whether Terraform gives the roles that apps, gateway and package_publishers need, which takes the right to write role assignments. If not, somebody who has it runs scripts/assign-roles."
}

variable "packages_private" {
  type        = bool
  default     = false
  description = "Close the package account to all networks but the system's own. Only for who has seen an app start from a closed account: see storage.tf."
}

variable "package_upload_addresses" {
  type        = set(string)
  default     = []
  description = "Public IPv4 addresses that reach a private package account (packages_private), while a package is uploaded. Empty closes it."

  validation {
    condition     = alltrue([for address in var.package_upload_addresses : can(cidrhost("${address}/32", 0))])
    error_message = "Give single IPv4 addresses without a prefix length. A range is never needed to upload a package."
  }
}

variable "address_space" {
  type        = string
  default     = "10.80.0.0/23"
  description = "Address range of the virtual network; two subnets of 128 and two of 64 addresses are cut from it."

  validation {
    condition     = can(cidrhost(var.address_space, 0)) && try(tonumber(split("/", var.address_space)[1]) <= 23, false)
    error_message = "Give an IPv4 range with room for two /25 and two /26 subnets: a /23 or larger."
  }
}

variable "allowed_client_ranges" {
  type        = set(string)
  default     = []
  description = "IPv4 ranges from which the gateway is called. Empty lets everybody call it, who still needs a key."

  # cidrsubnet gives back the range as Azure writes it.
  validation {
    condition     = alltrue([for range in var.allowed_client_ranges : try(cidrsubnet(range, 0, 0) == range && strcontains(range, ".") && !endswith(range, "/0"), false)])
    error_message = "Give IPv4 ranges with their prefix length, such as 203.0.113.0/24 or 203.0.113.7/32, with no bit set after it. For everybody leave the set empty."
  }
}

variable "api_management_sku" {
  type        = string
  default     = "Developer_1"
  description = "Tier and units of API Management. Developer has no service level agreement."

  validation {
    condition     = can(regex("^(Developer_1|Premium_([1-9]|1[0-9]|2[0-9]|3[01]))$", var.api_management_sku))
    error_message = "Only Developer_1 and Premium_1 to Premium_31 can be put into a virtual network and still have a public door."
  }
}

variable "gateway_domain" {
  type = object({
    host_name      = string
    certificate_id = string
    vault_id       = optional(string)
  })
  default     = null
  description = "Name of your own for the gateway, and the Key Vault secret of its certificate, in a vault of yours. With the vault's resource id, API Management gets the role to read it."

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
  description = "Size of the Elastic Premium instances. The apps themselves need some 10 MB and one processor."

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
  description = "How many instances each app keeps ready, and to how many it may grow."

  # https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#region-max-scale-out
  validation {
    condition     = var.instances.minimum >= 1 && var.instances.minimum <= var.instances.maximum && var.instances.maximum <= 20
    error_message = "Keep at least 1 instance, and grow to at most 20: Linux on Elastic Premium gets no more in most regions."
  }

  validation {
    condition     = !var.zone_redundant || var.instances.minimum >= 3
    error_message = "Zone redundancy needs at least 3 instances, one for each zone."
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

# Of its own, since many regions have no room for it, or only for who has asked:
# https://github.com/Azure-Samples/microsoft-foundry-baseline/pull/55. Azure does not change it in place:
# https://learn.microsoft.com/azure/reliability/migrate-cosmos-nosql
variable "database_zone_redundant" {
  type        = bool
  default     = false
  description = "Spread the databases over three availability zones. Ask for quota first (https://aka.ms/cosmosdbquota), and decide before there is data: only a region that is added to an account gets zones."
}

variable "database_throughput_max" {
  type        = number
  default     = 1000
  description = "Request units per second to which each database may grow by itself; a tenth of it is always paid for."

  validation {
    condition     = var.database_throughput_max >= 1000 && var.database_throughput_max % 1000 == 0
    error_message = "Autoscale throughput is given in thousands, from 1000 upwards."
  }
}

variable "database_backup_tier" {
  type        = string
  default     = "Continuous7Days"
  description = "How far back a database can be restored, to the second. Seven days cost nothing."

  validation {
    condition     = contains(["Continuous7Days", "Continuous30Days"], var.database_backup_tier)
    error_message = "Choose Continuous7Days or Continuous30Days."
  }
}

variable "database_key" {
  type        = string
  default     = "primary"
  description = "Which of the two account keys the apps use. Switch it, apply, then regenerate the other one."

  validation {
    condition     = contains(["primary", "secondary"], var.database_key)
    error_message = "An account has two keys: primary and secondary."
  }
}

variable "database_key_rotation" {
  type        = number
  default     = 1
  description = "Raise it by one to write the current account keys to Key Vault again, after one was regenerated."

  validation {
    condition     = var.database_key_rotation >= 1 && floor(var.database_key_rotation) == var.database_key_rotation
    error_message = "Count rotations in whole numbers from 1."
  }
}

variable "host_key_rotation" {
  type        = number
  default     = 1
  description = "Raise it by one to rotate the function keys: new ones go to the other slot, the present ones stay valid until the next rotation."

  validation {
    condition     = var.host_key_rotation >= 1 && floor(var.host_key_rotation) == var.host_key_rotation
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

variable "entra_id" {
  type = object({
    tenant_id              = string
    client_application_ids = list(string)
    audience               = string
  })
  default     = null
  description = "Set it to demand, beside the subscription key, an Entra ID token of one of these applications; its subject becomes the user in the audit record."

  validation {
    condition     = var.entra_id == null || try(length(var.entra_id.client_application_ids) > 0, false)
    error_message = "Name at least one client application, or leave entra_id out."
  }
}

variable "locks" {
  type        = bool
  default     = false
  description = "Locks the vault, the databases, the workspace and the register's storage against deletion, which takes the right to write locks."
}

variable "availability_test" {
  type        = bool
  default     = true
  description = "Ask the gateway for /health every five minutes from five places, and raise an alert. Some 43 000 requests a month, which are charged for; without them nobody notices an outage before a caller does."
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How long logs and traces are kept. The audit register is a database and has no end."

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "Log Analytics keeps logs for 30 to 730 days."
  }
}

variable "log_daily_cap_gb" {
  type        = number
  default     = null
  description = "After how many gigabytes a day the workspace takes no more logs and traces, with an alert. Left out, it takes all."

  validation {
    condition     = try(var.log_daily_cap_gb > 0, var.log_daily_cap_gb == null)
    error_message = "A cap is more than nothing. To have none, leave log_daily_cap_gb out."
  }
}

variable "monthly_budget" {
  type        = number
  default     = null
  description = "What the resource group may cost in a month, in the currency of the account. alert_emails hear of it at 80 % spent and at 100 % forecast; nothing is stopped."

  validation {
    condition     = try(var.monthly_budget >= 1, var.monthly_budget == null)
    error_message = "A budget is at least 1, or leave monthly_budget out."
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
  description = "Which part of the traces the apps send to Application Insights, from 0 to 1; metrics are always whole."
  default     = 1

  validation {
    condition     = var.telemetry_sampling_ratio >= 0 && var.telemetry_sampling_ratio <= 1
    error_message = "telemetry_sampling_ratio is a number from 0 to 1."
  }
}
