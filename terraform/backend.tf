# One state per environment: environments/ENV.tfbackend has its location, and scripts/terraform-state
# adds the key, ENV.tfstate. It holds the keys of the Cosmos DB accounts, the connection string of
# Application Insights and the subscription keys, because the providers export them: keep it in an
# account of its own, without shared keys, with versioning, readable only by those who deploy.
terraform {
  backend "azurerm" {
    use_azuread_auth = true
  }
}
