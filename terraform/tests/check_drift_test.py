"""Runs scripts/check-drift with a stand-in for terraform."""

import unittest

from stand_ins import Project


class CheckDrift(Project):
    def check(self, **scene):
        self.scene(outputs={"packages": {"audit-api": "audit-1.zip"}}, **scene)
        return self.run_script("scripts/check-drift", "dev")

    def test_no_change_is_no_drift(self):
        self.assertEqual(self.check(plan_status=0), 0, self.said)

        self.assertIn('-var packages={"audit-api": "audit-1.zip"}', self.calls("terraform -chdir=terraform plan")[0])
        self.assertEqual(self.trace("applied"), [])

    def test_drift_is_named_without_values(self):
        changes = {"azurerm_key_vault.main": ["update"], "data.azurerm_x.y": ["read"], "azurerm_subnet.app": ["no-op"]}
        status = self.check(plan_status=2, whole=changes, drift=["azurerm_storage_account.packages"], changed_outputs=["gateway_url"])

        self.assertEqual(status, 1)
        self.assertTrue(self.said.endswith(":\n  azurerm_key_vault.main\n  azurerm_storage_account.packages\n  output.gateway_url\n"), self.said)
        self.assertNotIn("value", self.said)

    def test_a_plan_that_fails_is_a_failure(self):
        self.assertNotEqual(self.check(plan_status=1), 0)
        self.assertNotIn("is as Terraform left it", self.said)

    def test_wrong_arguments_are_refused(self):
        self.assertEqual(self.run_script("scripts/check-drift"), 2)


if __name__ == "__main__":
    unittest.main()
