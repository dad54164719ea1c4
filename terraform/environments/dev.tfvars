# The smallest system that works. No promise of availability.
location        = "westeurope"
environment     = "dev"
publisher_name  = "Contoso Health"
publisher_email = "api@example.com"
alert_emails    = ["operators@example.com"]

# scripts/rotate-key --azure changes these two, and applies; see docs/deployment.md.
host_key_rotation = 1

database_key = "primary"

# Object ids of who uploads packages.
package_publishers = []
