# A budget that warns. It stops nothing, and costs reach it hours late.

# Azure takes no budget that starts in a month that is over, and makes another one when the start
# changes, so the month of the first apply is kept:
# https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/consumption_budget_resource_group#start_date
resource "terraform_data" "budget_start" {
  count = var.monthly_budget == null ? 0 : 1

  input = formatdate("YYYY-MM-'01T00:00:00Z'", plantimestamp())

  lifecycle {
    ignore_changes = [input]
  }
}

resource "azurerm_consumption_budget_resource_group" "main" {
  count = var.monthly_budget == null ? 0 : 1

  name              = "budget-${local.name}"
  resource_group_id = local.resource_group.id
  amount            = var.monthly_budget
  time_grain        = "Monthly"

  time_period {
    start_date = terraform_data.budget_start[0].input
  }

  notification {
    operator       = "GreaterThanOrEqualTo"
    threshold      = 80 # percent of what was spent
    threshold_type = "Actual"
    contact_emails = sort(var.alert_emails)
  }

  notification {
    operator       = "GreaterThanOrEqualTo"
    threshold      = 100 # percent of what the month is going to cost
    threshold_type = "Forecasted"
    contact_emails = sort(var.alert_emails)
  }
}
