# The subscription comes from ARM_SUBSCRIPTION_ID, the identity from `az login` or the runner's OIDC.
provider "azurerm" {
  # No shared keys: what touches storage does so with the runner's Entra ID identity.
  storage_use_azuread = true

  features {
    key_vault {
      # Purge protection forbids it anyway; asking for it would fail every destroy.
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }

    resource_group {
      prevent_deletion_if_contains_resources = true
    }

    storage {
      # The runner stands outside the network: nothing may wait for a data plane that refuses it.
      data_plane_available = false
    }
  }
}

provider "azapi" {}
