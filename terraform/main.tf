# Where everything is: a resource group of its own, or one that is there already.

# A state is for one environment. A plan for another one would replace everything, since names hold
# the environment; it would have to replace this first, and fails.
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

  # And with it everything else, with -target and an existing group too: Terraform keeps the
  # dependency when the count is 0.
  depends_on = [terraform_data.environment]
}

data "azurerm_resource_group" "existing" {
  count = var.resource_group_name == null ? 0 : 1

  name = var.resource_group_name
}

data "azurerm_client_config" "current" {}

locals {
  # The group says where its own record is kept; what is in it may lie elsewhere.
  resource_group = {
    id       = one(concat(azurerm_resource_group.main[*].id, data.azurerm_resource_group.existing[*].id))
    name     = one(concat(azurerm_resource_group.main[*].name, data.azurerm_resource_group.existing[*].name))
    location = var.location
  }
}
