# A budget with notifications, and the alert for the log cap.

locals {
  # The workspace still logs this when it accepts nothing else:
  # https://learn.microsoft.com/azure/azure-monitor/logs/daily-cap#alert-when-daily-cap-is-reached
  cap_alerts = var.log_daily_cap_gb == null ? {} : {
    log-cap = {
      description = "Logs and traces have reached log_daily_cap_gb and stop until tomorrow: alerts that read them cannot fire."
      severity    = 1
      query       = "_LogOperation | where Category =~ 'Ingestion' | where Detail contains 'OverQuota'"
    }
  }
}

# Azure accepts no start in a past month, and replaces the budget when the start changes, so the month
# of the first apply is kept:
# https://github.com/hashicorp/terraform-provider-azurerm/blob/main/website/docs/r/consumption_budget_resource_group.html.markdown
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
    threshold      = 80 # percent spent
    threshold_type = "Actual"
    contact_emails = sort(var.alert_emails)
  }

  notification {
    operator       = "GreaterThanOrEqualTo"
    threshold      = 100 # percent forecast for the month
    threshold_type = "Forecasted"
    contact_emails = sort(var.alert_emails)
  }
}
