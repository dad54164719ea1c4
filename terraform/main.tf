# The resource group: a new one, or an existing one.

# Marks a state as one environment's. A plan for another environment would replace everything, because
# names contain the environment; it would have to replace this resource first, and fails.
resource "terraform_data" "environment" {
  triggers_replace = var.environment

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_resource_group" "main" {
  count = var.resource_group_name == null ? 1 : 0

  name     = "rg-${local.name}"
  location = var.location
  tags     = local.tags

  # Everything else depends on the group, and so on the marker, with -target and an existing group too:
  # Terraform keeps the dependency when the count is 0.
  depends_on = [terraform_data.environment]
}

data "azurerm_resource_group" "existing" {
  count = var.resource_group_name == null ? 0 : 1

  name = var.resource_group_name
}

data "azurerm_client_config" "current" {}

locals {
  # A group's location is that of its metadata; its resources may be elsewhere.
  resource_group = {
    id       = one(concat(azurerm_resource_group.main[*].id, data.azurerm_resource_group.existing[*].id))
    name     = one(concat(azurerm_resource_group.main[*].name, data.azurerm_resource_group.existing[*].name))
    location = var.location
  }
}
