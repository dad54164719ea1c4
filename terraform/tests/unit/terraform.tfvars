# What every test starts from.
location        = "westeurope"
environment     = "test"
publisher_name  = "Test"
publisher_email = "api@example.com"
alert_emails    = ["operators@example.com"]
packages        = { patient-tests-api = "patient-1.zip", audit-api = "audit-1.zip" }
