terraform {
  required_version = ">= 1.11"

  # Exact versions: providers run with full rights, so only a commit may change them.
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "5.2.0"
    }
    azapi = {
      source  = "azure/azapi"
      version = "2.12.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "3.9.0"
    }
  }
}
