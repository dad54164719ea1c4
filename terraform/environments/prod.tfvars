# Three zones, 30 days of restore points, API Management with a service level agreement.
location           = "westeurope"
environment        = "prod"
publisher_name     = "Contoso Health"
publisher_email    = "api@example.com"
alert_emails       = ["operators@example.com"]
zone_redundant     = true
api_management_sku = "Premium_3" # one unit per zone

address_space           = "10.80.0.0/23"
instances               = { minimum = 3, maximum = 20 }
database_throughput_max = 4000
database_backup_tier    = "Continuous30Days"
log_retention_days      = 365

# scripts/rotate-key --azure changes these two, and applies; see docs/deployment.md.
host_key_rotation = 1

database_key = "primary"

# Object ids of who uploads packages.
package_publishers = []
