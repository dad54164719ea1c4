# The smallest system that works. No promise of availability.
location        = "westeurope"
environment     = "dev"
publisher_name  = "Contoso Health"
publisher_email = "api@example.com"
alert_emails    = ["operators@example.com"]

# Raise by one to rotate the function keys; see docs/deployment.md.
host_key_rotation = 1

# Object ids of who uploads packages.
package_publishers = []
