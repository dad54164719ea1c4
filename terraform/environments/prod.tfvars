# Three zones except for the databases, 30 days of restore points, API Management with a service level agreement.
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
locks                   = true
tags                    = { data_classification = "health data" }

# Many regions refuse zone-redundant accounts to new subscriptions ("currently experiencing
# high demand"). Request quota at https://aka.ms/cosmosdbquota and set this to true before the first
# deployment: with autoscale, zones cost nothing, and without them losing a zone can lose the database.
# Later it takes a failover to a second region while the first is removed and added again, by hand:
# https://learn.microsoft.com/azure/reliability/migrate-cosmos-nosql
database_zone_redundant = false

# Changed by scripts/rotate-key --azure; see docs/deployment.md.
function_key_rotation = 1

database_key = "primary"

# Object ids of the identities that upload packages.
package_publishers = []
