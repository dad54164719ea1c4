# The smallest system that works. No promise of availability.
location        = "westeurope"
environment     = "dev"
publisher_name  = "Contoso Health"
publisher_email = "api@example.com"
alert_emails    = ["operators@example.com"]
