# A Linux function app with a custom handler, closed but for one subnet.

resource "azurerm_service_plan" "main" {
  #checkov:skip=CKV_AZURE_225:The variable zone_redundant says so; dev pays for one zone.
  #checkov:skip=CKV_AZURE_212:The variable instances says so; dev pays for one instance.

  name                         = "plan-${var.name}"
  resource_group_name          = var.resource_group_name
  location                     = var.location
  os_type                      = "Linux"
  sku_name                     = var.plan_sku
  worker_count                 = var.instances.minimum
  maximum_elastic_worker_count = var.instances.maximum
  zone_balancing_enabled       = var.zone_redundant
  tags                         = var.tags
}

resource "azurerm_linux_function_app" "main" {
  #checkov:skip=CKV_AZURE_221:Access restrictions by subnet hold for the public name; it refuses everyone else, see public_network_access_enabled.

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  service_plan_id     = azurerm_service_plan.main.id
  tags                = var.tags

  functions_extension_version = "~4"
  builtin_logging_enabled     = false # the old dashboard, which wants a storage key

  # The host's storage by identity, and no Azure Files at all, which knows only keys:
  # https://learn.microsoft.com/azure/azure-functions/storage-considerations#create-an-app-without-azure-files
  storage_account_name          = var.host_storage_account_name
  storage_uses_managed_identity = true

  https_only                                     = true
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false
  key_vault_reference_identity_id                = var.identity.id
  virtual_network_subnet_id                      = var.integration_subnet_id

  # Access restrictions by subnet hold for the public name: with it off, not even the caller's
  # subnet would come through its service endpoint. Everyone else gets 403.
  public_network_access_enabled = true

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity.id]
  }

  site_config {
    application_insights_connection_string = var.application_insights_connection_string

    elastic_instance_minimum = var.instances.minimum
    app_scale_limit          = var.instances.maximum

    # The buffer while the app grows. Azure's default too, but azurerm sends 0 if it is left out:
    # https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#prewarmed-instances
    pre_warmed_instance_count = 1

    ftps_state              = "Disabled"
    http2_enabled           = true
    minimum_tls_version     = "1.2"
    scm_minimum_tls_version = "1.2"
    use_32_bit_worker       = false

    # What the app calls, not what the platform fetches: for a registry the network has no rule, so an
    # image pulled over it (vnet_image_pull_enabled) would not arrive.
    # https://learn.microsoft.com/azure/app-service/configure-vnet-integration-routing
    vnet_route_all_enabled = true

    # The platform's check can send no key. The ping proves that the host answers, not that it serves
    # calls: it is 200 in every state of the host, which ends itself if its handler keeps dying. That
    # calls are served, the function Health proves, which the gateway is asked for. Ping in
    # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Controllers/HostController.cs
    health_check_path                 = "/admin/host/ping"
    health_check_eviction_time_in_min = 2

    ip_restriction_default_action     = "Deny"
    scm_ip_restriction_default_action = "Deny"
    scm_use_main_ip_restriction       = false

    ip_restriction {
      name                      = "caller"
      description               = "The one caller of this app."
      action                    = "Allow"
      priority                  = 100
      virtual_network_subnet_id = var.caller_subnet_id
    }

    application_stack {
      use_custom_runtime = true
    }
  }

  app_settings = merge(var.app_settings, {
    FUNCTIONS_WORKER_RUNTIME = "custom"

    # Which of the app's identities the handler asks tokens for.
    AZURE_CLIENT_ID                 = var.identity.client_id
    AzureWebJobsStorage__credential = "managedidentity"
    AzureWebJobsStorage__clientId   = var.identity.client_id

    WEBSITE_RUN_FROM_PACKAGE                     = var.package_url
    WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = var.identity.id

    AzureWebJobsDisableHomepage = "true"
  })

  lifecycle {
    # Azure writes a tag of its own when Application Insights is connected.
    ignore_changes = [tags["hidden-link: /app-insights-resource-id"]]
  }
}
