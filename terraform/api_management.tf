# The gateway, the only public entry.

locals {
  openapi = file("${path.root}/../patient-tests-api/openapi.json") # generated from the code

  # The ids of GET and HEAD /health.
  health_operations = compact([for method in ["get", "head"] : try(jsondecode(local.openapi).paths["/health"][method].operationId, "")])

  # Scopes, products with their limits, and subscriptions; the local stack reads products.json too.
  # `health_only` is for monitoring: its calls per minute suffice for an availability test from all
  # 16 locations, with three attempts each.
  gateway       = jsondecode(file("${path.root}/${var.products_file}"))
  subscriptions = local.gateway.subscriptions
  products = {
    for id, product in local.gateway.products : id => merge(product, {
      calls_per_minute = coalesce(product.calls_per_minute, var.rate_limit_per_minute)
      calls_per_day    = coalesce(product.calls_per_day, var.quota_per_day)
      scopes           = coalesce(join(" ", product.scopes), "none") # see policies/caller.xml.tftpl
    })
  }

  policies = {
    api = templatefile("${path.root}/policies/patient_api.xml.tftpl", {
      cache_key = local.host_key_cache_key
    })
  }

  product_policies = { for name, product in local.products : name => templatefile("${path.root}/policies/product.xml.tftpl", product) }

  policy_fragments = {
    caller = templatefile("${path.root}/policies/caller.xml.tftpl", {
      body_bytes_max       = 1048576
      entra_id             = var.entra_id
      health_only_products = [for name, product in local.products : name if product.health_only]
    })
    health-only = templatefile("${path.root}/policies/health_only.xml.tftpl", {
      operations = local.health_operations
    })
    host-key = templatefile("${path.root}/policies/host_key.xml.tftpl", {
      cache_key         = local.host_key_cache_key
      secret_uri        = local.secret_uris["patient-api-key"]
      cache_seconds_max = 3600
    })
    host-refusal = templatefile("${path.root}/policies/host_refusal.xml.tftpl", {})
    problem      = templatefile("${path.root}/policies/problem.xml.tftpl", {})
  }

  host_key_cache_key = "patient-api-key"

  # Query parameters that can hold a key, masked in logged URLs.
  masked_query_parameters = ["code", "subscription-key"]

  gateway_url = var.gateway_domain == null ? azurerm_api_management.main.gateway_url : "https://${var.gateway_domain.host_name}"
}

resource "azurerm_public_ip" "api_management" {
  name                = "pip-${local.name}"
  resource_group_name = local.resource_group.name
  location            = local.resource_group.location
  allocation_method   = "Static"
  sku                 = "Standard"
  domain_name_label   = "patientrec-${var.environment}-${local.suffix}" # required by API Management
  zones               = local.zones
  tags                = local.tags
}

resource "azurerm_api_management" "main" {
  #checkov:skip=CKV_AZURE_174:The gateway is the only public entry. Its other host names are closed below.

  name                 = "apim-${local.name}-${local.suffix}"
  resource_group_name  = local.resource_group.name
  location             = local.resource_group.location
  publisher_name       = var.publisher_name
  publisher_email      = var.publisher_email
  sku_name             = var.api_management_sku
  zones                = local.zones
  min_api_version      = "2021-08-01" # older management APIs return secrets to readers
  virtual_network_type = "External"
  public_ip_address_id = azurerm_public_ip.api_management.id
  tags                 = local.tags

  virtual_network_configuration {
    subnet_id = azurerm_subnet.api_management.id
  }

  identity {
    type = "SystemAssigned"
  }

  security {
    backend_ssl30_enabled      = false
    backend_tls10_enabled      = false
    backend_tls11_enabled      = false
    frontend_ssl30_enabled     = false
    frontend_tls10_enabled     = false
    frontend_tls11_enabled     = false
    triple_des_ciphers_enabled = false
  }

  protocols {
    http2_enabled = true
  }

  # The direct management API at *.management.azure-api.net. Git access at *.scm.azure-api.net needs
  # no setting: it cannot be turned on in a new service,
  # https://learn.microsoft.com/azure/api-management/breaking-changes/git-configuration-retirement-march-2025
  tenant_access {
    enabled = false
  }

  # It does not start in a subnet whose rules block its platform.
  depends_on = [azurerm_subnet_network_security_group_association.main]
}

# azurerm has no argument for the portals. It does not turn them on again either: it sends a PATCH with
# the changes only (api_management_resource.go), and for a custom domain everything that it has read.
# This resource also detects when somebody turns a portal on.
# https://github.com/MicrosoftDocs/azure-docs/pull/122318
resource "azapi_update_resource" "portals" {
  type        = "Microsoft.ApiManagement/service@2024-05-01"
  resource_id = azurerm_api_management.main.id

  body = {
    properties = {
      developerPortalStatus = "Disabled"
      legacyPortalStatus    = "Disabled"
    }
  }

  # ServiceLocked: the service is still busy with its last change.
  retry = {
    error_message_regex  = ["is transitioning at this time"]
    interval_seconds     = 30
    max_interval_seconds = 120
  }

  timeouts {
    create = "1h"
    update = "1h"
  }

  # Last: the service is busy during this change, and the other resources in it would fail.
  depends_on = [
    azurerm_api_management_api_policy.patient,
    azurerm_api_management_custom_domain.main,
    azurerm_api_management_diagnostic.main,
    azurerm_api_management_product_api.main,
    azurerm_api_management_subscription.main,
  ]
}

# The gateway's host name for callers; *.azure-api.net keeps working.
#
# The service itself reads the certificate, so it cannot be in this system's vault, which admits private
# endpoints only. If the other vault has a firewall, it has to admit API Management's subnet through a
# service endpoint, and trusted services; the documents leave open whether it must since March 2026:
# https://learn.microsoft.com/azure/api-management/configure-custom-domain?tabs=key-vault,
# https://learn.microsoft.com/azure/api-management/breaking-changes/trusted-service-connectivity-retirement-march-2026
resource "azurerm_api_management_custom_domain" "main" {
  count = var.gateway_domain == null ? 0 : 1

  api_management_id = azurerm_api_management.main.id

  gateway {
    host_name                = var.gateway_domain.host_name
    key_vault_certificate_id = var.gateway_domain.certificate_id
  }

  depends_on = [
    azurerm_api_management_api_policy.patient,
    azurerm_api_management_diagnostic.main,
    azurerm_api_management_product_api.main,
    azurerm_api_management_subscription.main,
    azurerm_role_assignment.gateway_certificate,
  ]
}

# The document names Key Vault Certificate User on the whole vault, which could read every secret in
# it. The service reads only this secret.
resource "azurerm_role_assignment" "gateway_certificate" {
  count = try(var.gateway_domain.vault_id, null) != null && var.assign_roles ? 1 : 0

  scope                = "${var.gateway_domain.vault_id}/secrets/${basename(var.gateway_domain.certificate_id)}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_api_management.main.identity[0].principal_id
  principal_type       = "ServicePrincipal"
  description          = "Reads the gateway's certificate, and nothing else."
}

resource "azurerm_api_management_api" "patient" {
  name                  = "patient-tests-api"
  resource_group_name   = local.resource_group.name
  api_management_name   = azurerm_api_management.main.name
  revision              = "1"
  display_name          = "Patient records"
  path                  = ""
  protocols             = ["https"]
  service_url           = "https://${module.function_app["patient-tests-api"].host_name}/api"
  subscription_required = true

  import {
    content_format = "openapi+json"
    content_value  = local.openapi
  }
}

# Fragments may be sent as XML. API policies are sent as `rawxml`, which takes quotes and brackets of
# expressions unescaped, so the file would not be XML. Expressions that have any belong in fragments.
resource "azurerm_api_management_policy_fragment" "main" {
  for_each = local.policy_fragments

  api_management_id = azurerm_api_management.main.id
  name              = each.key
  format            = "xml"
  value             = each.value
}

resource "azurerm_api_management_api_policy" "patient" {
  api_name            = azurerm_api_management_api.patient.name
  api_management_name = azurerm_api_management.main.name
  resource_group_name = local.resource_group.name
  xml_content         = local.policies.api

  depends_on = [azurerm_api_management_policy_fragment.main]
}

resource "azurerm_api_management_product" "main" {
  for_each = local.products

  product_id            = each.key
  resource_group_name   = local.resource_group.name
  api_management_name   = azurerm_api_management.main.name
  display_name          = each.value.display_name
  description           = each.value.description
  published             = true
  subscription_required = true
  approval_required     = true

  # Per user; subscriptions without a user seem to count as one user's
  # (https://github.com/Azure/apiops/issues/623). azurerm requires a limit with `approval_required`,
  # and without approval any user account could subscribe.
  subscriptions_limit = 100

  lifecycle {
    precondition {
      condition     = length(setsubtract(local.gateway.products[each.key].scopes, local.gateway.scopes)) == 0
      error_message = "The product ${each.key} has a scope that is not in the list of scopes of the same file."
    }
  }
}

resource "azurerm_api_management_product_policy" "main" {
  for_each = local.products

  product_id          = azurerm_api_management_product.main[each.key].product_id
  api_management_name = azurerm_api_management.main.name
  resource_group_name = local.resource_group.name
  xml_content         = local.product_policies[each.key]

  depends_on = [azurerm_api_management_policy_fragment.main]
}

# After the policy, so that no key works before its limits apply.
resource "azurerm_api_management_product_api" "main" {
  for_each = local.products

  product_id          = azurerm_api_management_product_policy.main[each.key].product_id
  api_name            = azurerm_api_management_api.patient.name
  api_management_name = azurerm_api_management.main.name
  resource_group_name = local.resource_group.name
}

# The audit register records the name of the caller's subscription. The monitoring key is stored in the
# availability test, where every reader of the resource group sees it.
resource "azurerm_api_management_subscription" "main" {
  for_each = local.subscriptions

  subscription_id     = each.key
  resource_group_name = local.resource_group.name
  api_management_name = azurerm_api_management.main.name
  product_id          = azurerm_api_management_product.main[each.value.product].id
  display_name        = each.value.display_name
  state               = "active"
  allow_tracing       = false # a trace contains bodies and keys
}

resource "azurerm_api_management_logger" "application_insights" {
  name                = "application-insights"
  resource_group_name = local.resource_group.name
  api_management_name = azurerm_api_management.main.name
  resource_id         = azurerm_application_insights.main.id

  application_insights {
    connection_string = azurerm_application_insights.main.connection_string
  }
}

# To Application Insights for traces, to Azure Monitor for alerts. A new service already has the logger
# `azuremonitor`: https://github.com/hashicorp/terraform-provider-azurerm/issues/25781
resource "azurerm_api_management_diagnostic" "main" {
  for_each = {
    applicationinsights = azurerm_api_management_logger.application_insights.id
    azuremonitor        = "${azurerm_api_management.main.id}/loggers/azuremonitor"
  }

  identifier                = each.key
  resource_group_name       = local.resource_group.name
  api_management_name       = azurerm_api_management.main.name
  api_management_logger_id  = each.value
  always_log_errors         = true
  sampling_percentage       = 100
  log_client_ip             = false # the audit register has it
  verbosity                 = "information"
  http_correlation_protocol = each.key == "applicationinsights" ? "W3C" : null

  # No byte of a body, no header, no key in a URL.
  frontend_request {
    body_bytes = 0

    data_masking {
      dynamic "query_params" {
        for_each = local.masked_query_parameters

        content {
          mode  = "Hide"
          value = query_params.value
        }
      }
    }
  }

  frontend_response {
    body_bytes = 0
  }

  backend_request {
    body_bytes = 0

    data_masking {
      dynamic "query_params" {
        for_each = local.masked_query_parameters

        content {
          mode  = "Hide"
          value = query_params.value
        }
      }
    }
  }

  backend_response {
    body_bytes = 0
  }
}
