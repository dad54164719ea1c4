# A Linux function app with a custom handler that admits one subnet only.

resource "azurerm_service_plan" "main" {
  #checkov:skip=CKV_AZURE_225:Set by the variable zone_redundant; dev uses one zone.
  #checkov:skip=CKV_AZURE_212:Set by the variable instances; dev uses one instance.

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
  #checkov:skip=CKV_AZURE_221:Access restrictions by subnet apply to the public name and refuse everyone else; see public_network_access_enabled.

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  service_plan_id     = azurerm_service_plan.main.id
  tags                = var.tags

  functions_extension_version = "~4"
  builtin_logging_enabled     = false # the old dashboard, which needs a storage key

  # The host's storage is accessed by identity, and there is no Azure Files, which supports keys only:
  # https://learn.microsoft.com/azure/azure-functions/storage-considerations#create-an-app-without-azure-files
  storage_account_name          = var.host_storage_account_name
  storage_uses_managed_identity = true

  https_only                                     = true
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false
  key_vault_reference_identity_id                = var.identity.id
  virtual_network_subnet_id                      = var.integration_subnet_id

  # Access restrictions by subnet apply to the public name: without it, not even the caller's subnet
  # would be admitted through its service endpoint. Everyone else gets 403.
  public_network_access_enabled = true

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity.id]
  }

  site_config {
    application_insights_connection_string = var.application_insights_connection_string

    elastic_instance_minimum = var.instances.minimum
    app_scale_limit          = var.instances.maximum

    # The buffer while the app scales out. Also Azure's default, but azurerm sends 0 if it is omitted:
    # https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#prewarmed-instances
    pre_warmed_instance_count = 1

    ftps_state              = "Disabled"
    http2_enabled           = true
    minimum_tls_version     = "1.2"
    scm_minimum_tls_version = "1.2"
    use_32_bit_worker       = false

    # Applies to the app's calls, not to what the platform fetches: the network has no rule for a registry,
    # so an image could not be pulled over it (vnet_image_pull_enabled).
    # https://learn.microsoft.com/azure/app-service/configure-vnet-integration-routing
    vnet_route_all_enabled = true

    # The platform's check cannot send a key. The ping proves that the host responds, not that it serves
    # calls: it is 200 in every state of the host, which ends if its handler keeps crashing. The function
    # Health, requested through the gateway, proves that calls are served. Ping in
    # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Controllers/HostController.cs
    health_check_path                 = "/admin/host/ping"
    health_check_eviction_time_in_min = 2

    ip_restriction_default_action     = "Deny"
    scm_ip_restriction_default_action = "Deny"
    scm_use_main_ip_restriction       = false

    ip_restriction {
      name                      = "caller"
      description               = "The only caller of this app."
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

    # The identity that the handler requests tokens for.
    AZURE_CLIENT_ID                 = var.identity.client_id
    AzureWebJobsStorage__credential = "managedidentity"
    AzureWebJobsStorage__clientId   = var.identity.client_id

    WEBSITE_RUN_FROM_PACKAGE                     = var.package_url
    WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = var.identity.id

    AzureWebJobsDisableHomepage = "true"
  })

  lifecycle {
    # Azure adds this tag when Application Insights is connected.
    ignore_changes = [tags["hidden-link: /app-insights-resource-id"]]
  }
}
