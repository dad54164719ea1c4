"""Runs scripts/check-deployment against stand-ins of closed endpoints, and of each kind of open one."""

import unittest

from stand_ins import Project

GATEWAY = "https://apim.azure-api.net"
UNKNOWN = f"{GATEWAY}/patient/00000000-0000-4000-8000-000000000000"
GROUP = "/subscriptions/s/resourceGroups/rg/providers/"
SITE = "Microsoft.Web/sites/app"
CONFIG = f"{SITE}/config/web"
VAULT = "Microsoft.KeyVault/vaults/kv"
HOST = "Microsoft.Storage/storageAccounts/sthost"
PACKAGES = "Microsoft.Storage/storageAccounts/stpackages"
DATABASE = "Microsoft.DocumentDB/databaseAccounts/cosmos"
APIM = "Microsoft.ApiManagement/service/apim"
TENANT = f"{APIM}/tenant/access"

ENDPOINTS = {
    "app": ("https://app.azurewebsites.net/", SITE),
    "scm": ("https://app.scm.azurewebsites.net/", SITE),
    "vault": ("https://kv.vault.azure.net/secrets?api-version=7.4", VAULT),
    "storage": ("https://sthost.blob.core.windows.net/?comp=list", HOST),
    "code": ("https://stpackages.blob.core.windows.net/audit-api/audit.zip", PACKAGES),
    "database": ("https://cosmos.documents.azure.com:443/", DATABASE),
    "developer-portal": ("https://apim.developer.azure-api.net/", APIM),
    "legacy-portal": ("https://apim.portal.azure-api.net/", APIM),
    "tenant": ("https://apim.management.azure-api.net/", TENANT),
}
OUTPUTS = {
    "gateway_url": GATEWAY,
    "subscription_key": "first",
    "monitoring_key": "monitoring",
    "closed_endpoints": [{"kind": kind, "url": url, "id": GROUP + id} for kind, (url, id) in ENDPOINTS.items()],
}


def vault_refusal(code):
    return [403, '{"error": {"code": "Forbidden", "message": "no", "innererror": {"code": "%s"}}}' % code]


def storage_refusal(status, code):
    return [status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"]


VAULT_TOKEN = "Bearer token for https://vault.azure.net"
STORAGE_TOKEN = "Bearer token for https://storage.azure.com"
ANSWERS = {
    f"monitoring {GATEWAY}/health": [200, "{}"],
    f"first {UNKNOWN}": [404, '{"error": "NotFound"}'],
    f"first {GATEWAY}/patient": [400, "{}"],
    f"anonymous {UNKNOWN}": [401, '{"error": {"code": "some"}}'],
    f"monitoring {UNKNOWN}": [403, ""],
    f"anonymous {ENDPOINTS['app'][0]}": [403, "<html>"],
    f"anonymous {ENDPOINTS['scm'][0]}": [403, "<html>"],
    f"{VAULT_TOKEN} {ENDPOINTS['vault'][0]}": vault_refusal("ForbiddenByConnection"),
    f"{STORAGE_TOKEN} {ENDPOINTS['storage'][0]}": storage_refusal(403, "AuthorizationFailure"),
    f"anonymous {ENDPOINTS['code'][0]}": storage_refusal(409, "PublicAccessNotPermitted"),
    f"anonymous {ENDPOINTS['tenant'][0]}": [401, ""],
}
STORAGE = {"publicNetworkAccess": "Disabled", "allowSharedKeyAccess": False, "allowBlobPublicAccess": False}
ARM = {
    CONFIG: {
        "ipSecurityRestrictionsDefaultAction": "Deny",
        "ipSecurityRestrictions": [
            {"action": "Allow", "vnetSubnetResourceId": "/subnets/caller", "ipAddress": None},
            {"action": "Deny", "ipAddress": "Any"},
        ],
        "scmIpSecurityRestrictionsDefaultAction": "Deny",
        "scmIpSecurityRestrictionsUseMain": False,
        "scmIpSecurityRestrictions": [{"action": "Deny", "ipAddress": "Any"}],
    },
    VAULT: {"publicNetworkAccess": "Disabled"},
    HOST: STORAGE,
    PACKAGES: STORAGE | {"publicNetworkAccess": "Enabled"},
    DATABASE: {"publicNetworkAccess": "Disabled", "ipRules": [], "virtualNetworkRules": []},
    APIM: {"developerPortalStatus": "Disabled", "legacyPortalStatus": "Disabled"},
    TENANT: {"enabled": False},
}
VERSIONS = {
    CONFIG: "2023-12-01", VAULT: "2023-07-01", HOST: "2023-05-01", PACKAGES: "2023-05-01",
    DATABASE: "2024-11-15", APIM: "2024-05-01", TENANT: "2024-05-01",
}
RULE = {"action": "Allow", "ipAddress": "203.0.113.7/32", "vnetSubnetResourceId": None}

# Kind of endpoint, and the response of an open one; None is the gateway, which must respond as it should.
OPEN_ANSWERS = [
    (None, f"monitoring {GATEWAY}/health", [503, ""]),
    (None, f"first {UNKNOWN}", [500, ""]),
    (None, f"first {GATEWAY}/patient", [201, "{}"]),
    (None, f"anonymous {UNKNOWN}", [404, ""]),
    (None, f"monitoring {UNKNOWN}", [404, ""]),
    ("app", f"anonymous {ENDPOINTS['app'][0]}", [401, ""]),
    ("app", f"anonymous {ENDPOINTS['app'][0]}", [0, ""]),
    ("scm", f"anonymous {ENDPOINTS['scm'][0]}", [401, ""]),
    ("vault", f"{VAULT_TOKEN} {ENDPOINTS['vault'][0]}", vault_refusal("ForbiddenByRbac")),
    ("vault", f"{VAULT_TOKEN} {ENDPOINTS['vault'][0]}", [401, ""]),
    ("storage", f"{STORAGE_TOKEN} {ENDPOINTS['storage'][0]}", storage_refusal(403, "AuthorizationPermissionMismatch")),
    ("storage", f"{STORAGE_TOKEN} {ENDPOINTS['storage'][0]}", storage_refusal(409, "PublicAccessNotPermitted")),
    ("storage", f"{STORAGE_TOKEN} {ENDPOINTS['storage'][0]}", [200, "<EnumerationResults/>"]),
    ("code", f"anonymous {ENDPOINTS['code'][0]}", [200, "zip"]),
    ("tenant", f"anonymous {ENDPOINTS['tenant'][0]}", [200, ""]),
]
# The same by Azure Resource Manager.
OPEN_RESOURCES = [
    ("app", CONFIG, {"ipSecurityRestrictionsDefaultAction": "Allow"}),
    ("app", CONFIG, {"ipSecurityRestrictions": [RULE]}),
    ("scm", CONFIG, {"scmIpSecurityRestrictionsDefaultAction": "Allow"}),
    ("scm", CONFIG, {"scmIpSecurityRestrictionsUseMain": True}),
    ("scm", CONFIG, {"scmIpSecurityRestrictions": [RULE]}),
    ("vault", VAULT, {"publicNetworkAccess": "Enabled"}),
    ("storage", HOST, {"publicNetworkAccess": "Enabled"}),
    ("storage", HOST, {"allowSharedKeyAccess": True}),
    ("storage", HOST, {"allowBlobPublicAccess": True}),
    ("code", PACKAGES, {"allowSharedKeyAccess": None}),
    ("code", PACKAGES, {"allowBlobPublicAccess": True}),
    ("database", DATABASE, {"publicNetworkAccess": "Enabled"}),
    ("database", DATABASE, {"ipRules": [{"ipAddressOrRange": "0.0.0.0"}]}),
    ("database", DATABASE, {"virtualNetworkRules": [{"id": "/subnets/x"}]}),
    ("developer-portal", APIM, {"developerPortalStatus": "Enabled"}),
    ("legacy-portal", APIM, {"legacyPortalStatus": "Enabled"}),
    ("tenant", TENANT, {"enabled": True}),
]


class CheckDeployment(Project):
    def check(self, *kinds, answers=None, arm=None, **outputs):
        """With endpoints of these kinds, or of all."""
        endpoints = [endpoint for endpoint in OUTPUTS["closed_endpoints"] if not kinds or endpoint["kind"] in kinds]
        said = {f"{GROUP}{name}?api-version={VERSIONS[name]}": {"properties": value} for name, value in (ARM | (arm or {})).items()}
        self.scene(outputs=OUTPUTS | {"closed_endpoints": endpoints} | outputs, answers=ANSWERS | (answers or {}), arm=said)
        return self.run_script("scripts/check-deployment", "dev")

    def assert_bad(self, *names):
        bad = [line.split(": ")[0].strip() for line in self.said.partition("is not as required:\n")[2].splitlines()]
        self.assertEqual(bad, list(names), self.said)

    def test_a_deployment_with_every_door_shut_passes(self):
        self.assertEqual(self.check(), 0, self.said)
        self.assertIn("every other public name refuses", self.said)

    def test_retired_names_of_api_management_may_be_gone(self):
        self.assertEqual(self.check(answers={f"anonymous {ENDPOINTS['tenant'][0]}": [0, ""]}), 0, self.said)

    def test_each_answer_that_a_shut_door_does_not_give_is_named(self):
        for kind, asked, answer in OPEN_ANSWERS:
            with self.subTest(asked, answer=answer):
                self.assertEqual(self.check(kind or "app", answers={asked: answer}), 1)
                self.assert_bad(asked.split()[-1])

    def test_each_door_that_is_open_by_resource_manager_is_named(self):
        for kind, resource, properties in OPEN_RESOURCES:
            with self.subTest(resource, **properties):
                self.assertEqual(self.check(kind, arm={resource: ARM[resource] | properties}), 1)
                self.assert_bad(f"{kind} {resource}")

    def test_all_open_doors_are_named(self):
        answers = {asked: answer for _, asked, answer in OPEN_ANSWERS}
        self.assertEqual(self.check(answers=answers, arm={VAULT: {}}), 1)
        names = [asked.split()[-1] for asked in answers]
        names.insert(names.index(ENDPOINTS["vault"][0]) + 1, f"vault {VAULT}")
        self.assert_bad(*names)

    def test_what_resource_manager_does_not_tell_counts_as_open(self):
        self.assertEqual(self.check(closed_endpoints=[{"kind": "database", "url": "https://x/", "id": "/providers/unknown"}]), 1)
        self.assert_bad("database unknown")

    def test_a_door_of_an_unknown_kind_counts_as_open(self):
        self.assertEqual(self.check(closed_endpoints=[{"kind": "window", "url": "https://x/", "id": "/x"}]), 1)
        self.assert_bad("https://x/")

    def test_no_doors_at_all_are_no_success(self):
        self.assertNotEqual(self.check(closed_endpoints=[]), 0)
        self.assertNotIn("refuses", self.said)

    def test_no_key_or_token_is_an_argument_or_printed(self):
        self.assertEqual(self.check(), 0, self.said)
        for secret in ["first", "monitoring", "Bearer"]:
            self.assertFalse([call for call in self.trace("calls") if secret in call.replace("monitoring_key", "")], secret)
            self.assertNotIn(f" {secret}", self.said)
        self.assertEqual({path.name for path in (self.root / "target").iterdir()}, {"packages", "terraform-dev"})

    def test_wrong_arguments_are_refused(self):
        self.assertEqual(self.run_script("scripts/check-deployment"), 2)
        self.assertEqual(self.trace("calls"), [])


if __name__ == "__main__":
    unittest.main()
