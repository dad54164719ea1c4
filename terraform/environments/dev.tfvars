# The smallest system that works, without availability guarantees.
location        = "westeurope"
environment     = "dev"
publisher_name  = "Contoso Health"
publisher_email = "api@example.com"
alert_emails    = ["operators@example.com"]

# Changed by scripts/rotate-key --azure; see docs/deployment.md.
function_key_rotation = 1

database_key = "primary"

# Object ids of the identities that upload packages.
package_publishers = []
