"""Derives from the resources which resource providers they need, and compares with those that are registered."""

import pathlib
import re
import unittest

TERRAFORM = pathlib.Path(__file__).parent.parent
SOURCES = {path: path.read_text() for path in TERRAFORM.rglob("*.tf") if ".terraform" not in path.parts}

# azurerm's types do not name their namespace. A new type is looked up, then added here.
NAMESPACES = {
    "Microsoft.ApiManagement": """api_management api_management_api api_management_api_policy
        api_management_custom_domain api_management_diagnostic api_management_logger
        api_management_policy_fragment api_management_product api_management_product_api
        api_management_product_policy api_management_subscription""",
    "Microsoft.Authorization": "management_lock role_assignment",
    "Microsoft.Consumption": "consumption_budget_resource_group",
    "Microsoft.DocumentDB": "cosmosdb_account cosmosdb_mongo_collection cosmosdb_mongo_database",
    "Microsoft.KeyVault": "key_vault",
    "Microsoft.ManagedIdentity": "user_assigned_identity",
    "Microsoft.Network": """network_security_group network_security_rule private_dns_zone
        private_dns_zone_virtual_network_link private_endpoint public_ip subnet
        subnet_network_security_group_association virtual_network""",
    "Microsoft.OperationalInsights": "log_analytics_workspace",
    "Microsoft.Resources": "client_config resource_group",
    "Microsoft.Storage": "storage_account storage_container",
    "Microsoft.Web": "linux_function_app service_plan",
    "microsoft.insights": """application_insights application_insights_standard_web_test
        application_insights_workbook monitor_action_group monitor_diagnostic_setting monitor_metric_alert
        monitor_scheduled_query_rules_alert_v2""",
}
NAMESPACE_OF = {f"azurerm_{name}": namespace for namespace, names in NAMESPACES.items() for name in names.split()}

# Registered with every subscription: https://learn.microsoft.com/azure/azure-resource-manager/management/azure-services-resource-providers#registration
ALWAYS_REGISTERED = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"}


def azurerm_types():
    for text in SOURCES.values():
        yield from re.findall(r'^(?:resource|data) "(azurerm_\w+)"', text, re.MULTILINE)


def arm_types():
    """Of azapi's resources, and of those in ARM templates."""
    for text in SOURCES.values():
        yield from re.findall(r'^\s*type\s*=\s*"(\w+\.\w+/[\w/]+)(?:@[\w-]+)?"', text, re.MULTILINE)


def registered():
    [names] = re.findall(r"resource_providers = .*\[\n(.*?)\]", SOURCES[TERRAFORM / "providers.tf"], re.DOTALL)
    return re.findall(r'"([\w.]+)"', names)


class ResourceProviders(unittest.TestCase):
    def test_every_type_is_known(self):
        self.assertEqual(set(azurerm_types()) - set(NAMESPACE_OF), set())

    def test_types_of_templates_are_found(self):
        self.assertIn("Microsoft.Resources/deployments", set(arm_types()))
        self.assertIn("Microsoft.KeyVault/vaults/secrets", set(arm_types()))

    def test_what_is_used_is_registered_and_nothing_else(self):
        # ARM's types come in any case; the list is in Azure's, which azurerm compares with.
        spelling = {namespace.lower(): namespace for namespace in NAMESPACES}
        arm = {spelling.get(name.split("/")[0].lower(), name) for name in arm_types()}
        used = {NAMESPACE_OF.get(name, name) for name in azurerm_types()} | arm

        self.assertEqual(sorted(registered()), sorted(used - ALWAYS_REGISTERED))


if __name__ == "__main__":
    unittest.main()
