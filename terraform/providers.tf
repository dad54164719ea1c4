# The subscription comes from ARM_SUBSCRIPTION_ID, the identity from `az login` or the runner's OIDC.
provider "azurerm" {
  resource_provider_registrations = "none"
  resource_providers_to_register  = local.resource_providers

  # No shared keys: storage is accessed with the runner's Entra ID identity.
  storage_use_azuread = true

  features {
    api_management {
      # Needs a right on the subscription, which the deploying identity may lack.
      purge_soft_delete_on_destroy = false
      recover_soft_deleted         = true
    }

    key_vault {
      # Purge protection forbids it; trying would fail every destroy.
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }

    resource_group {
      prevent_deletion_if_contains_resources = true
    }

    storage {
      # The runner is outside the network: nothing may wait for a data plane that refuses it.
      data_plane_available = false
    }
  }
}

provider "azapi" {
  # Otherwise it registers missing providers.
  skip_provider_registration = !var.register_resource_providers
}

locals {
  # Every namespace in use that a new subscription has not registered; azurerm 5 registers none by
  # itself. In Azure's spelling, because azurerm ignores a name that Azure does not list.
  # https://github.com/hashicorp/terraform-provider-azurerm/blob/main/website/docs/guides/5.0-upgrade-guide.html.markdown
  resource_providers = !var.register_resource_providers ? [] : [
    "Microsoft.ApiManagement",
    "Microsoft.DocumentDB",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
    "microsoft.insights",
  ]
}
