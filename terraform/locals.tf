# Names, tags, and the values that both apps share.
locals {
  name   = "patientrec-${var.environment}"
  suffix = random_string.suffix.result # for names that are unique in all of Azure

  tags = merge(
    {
      application = "patient-records"
      environment = var.environment
      managed_by  = "terraform"
    },
    { for name, value in var.tags : name => value if value != null },
  )

  apps = {
    patient-tests-api = {
      identity = "id-patient-${local.name}"
      storage  = "stpatient${var.environment}${local.suffix}"
    }
    audit-api = {
      identity = "id-audit-${local.name}"
      storage  = "staudit${var.environment}${local.suffix}"
    }
  }

  # At most 32 characters: the Functions host truncates longer names in its host id.
  app_names = { for app in keys(local.apps) : app => "${app}-${var.environment}-${local.suffix}" }

  # Printed by `<app> collections`; scripts/terraform-check compares.
  databases = { for app in keys(local.apps) : app => jsondecode(file("${path.root}/collections/${app}.json")) }

  database_names = {
    patient-tests-api = "patient-tests"
    audit-api         = "audit"
  }

  zones = var.zone_redundant ? ["1", "2", "3"] : null
}

resource "random_string" "suffix" {
  length  = 6
  special = false
  upper   = false
}
