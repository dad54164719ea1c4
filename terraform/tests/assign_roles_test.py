"""Runs scripts/assign-roles with a terraform that prints outputs and an az that notes what it was to give."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).parent.parent.parent
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/st"
SECRET = f"{GROUP}/Microsoft.KeyVault/vaults/kv/secrets/audit-database"

TERRAFORM = """#!/bin/sh
case "$*" in
  *output*) cat "$OUTPUTS" ;;
  *show*) cat "$STATE" ;;
  *) echo "$@" >>"$TERRAFORM_CALLS"; exit "$INIT_STATUS" ;;
esac
"""

AZ = """#!/bin/sh
printf '%s|' "$@" >>"$AZ_CALLS"
echo >>"$AZ_CALLS"
case "$*" in *"$REFUSED"*) exit 1 ;; esac
"""


def role(scope, name, principal_type="ServicePrincipal"):
    return {"scope": scope, "role": name, "principal_id": "id-1", "principal_type": principal_type, "description": "What for."}


class AssignRoles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        environments = self.root / "terraform" / "environments"
        environments.mkdir(parents=True)
        for name in ["dev.tfvars", "dev.tfbackend", "prod.tfvars", "prod.tfbackend"]:
            (environments / name).write_text("")
        (self.root / "scripts").mkdir()
        for script in ["assign-roles", "terraform-state"]:
            shutil.copy(PROJECT / "scripts" / script, self.root / "scripts")
        (self.root / "bin").mkdir()
        for name, text in {"terraform": TERRAFORM, "az": AZ}.items():
            (self.root / "bin" / name).write_text(text)
            (self.root / "bin" / name).chmod(0o755)
        self.outputs = {
            "environment": {"value": "dev"},
            "subscription_key": {"value": "a-secret", "sensitive": True},
            "role_assignments_publishers": {"value": {"packages/id-1": role(ACCOUNT, "Storage Blob Data Contributor", None)}},
            "role_assignments_apps": {"value": {"host-storage/audit-api": role(ACCOUNT, "Storage Blob Data Owner")}},
            "role_assignments_secrets": {"value": {"audit-database/audit-api": role(SECRET, "Key Vault Secrets User")}},
        }

    def run_script(self, *arguments, refused="no such call", init_status=0):
        (self.root / "outputs.json").write_text(json.dumps(self.outputs))
        outputs = {name: self.outputs[name] for name in ["environment"] if name in self.outputs}
        resources = [{"address": "random_string.suffix", "values": {}}]
        (self.root / "state.json").write_text(json.dumps({"values": {"outputs": outputs, "root_module": {"resources": resources}}}))
        environment = os.environ | {
            "STATE": str(self.root / "state.json"),
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "OUTPUTS": str(self.root / "outputs.json"),
            "TERRAFORM_CALLS": str(self.root / "terraform-calls"),
            "AZ_CALLS": str(self.root / "az-calls"),
            "REFUSED": refused,
            "INIT_STATUS": str(init_status),
        }
        return subprocess.run(
            [self.root / "scripts" / "assign-roles", *arguments],
            cwd=self.root / "bin",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self, tool):
        path = self.root / f"{tool}-calls"
        return path.read_text().splitlines() if path.exists() else []

    def assert_refused(self, answer, reason):
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(reason, answer.stderr)
        self.assertEqual(self.calls("az"), [])

    def test_every_role_is_given_and_named_in_one_line(self):
        answer = self.run_script("dev")

        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(
            answer.stdout.splitlines(),
            [
                "packages/id-1: Storage Blob Data Contributor",
                "host-storage/audit-api: Storage Blob Data Owner",
                "audit-database/audit-api: Key Vault Secrets User",
            ],
        )
        create = "role|assignment|create|--only-show-errors|--output|none|--assignee-object-id|id-1|--role"
        self.assertEqual(
            self.calls("az"),
            [
                f"{create}|Storage Blob Data Contributor|--scope|{ACCOUNT}|--description|What for.|",
                f"{create}|Storage Blob Data Owner|--scope|{ACCOUNT}|--description|What for.|--assignee-principal-type|ServicePrincipal|",
                f"{create}|Key Vault Secrets User|--scope|{SECRET}|--description|What for.|--assignee-principal-type|ServicePrincipal|",
            ],
        )

    def test_it_reads_the_state_of_the_environment_that_was_named(self):
        self.run_script("dev")

        init, = self.calls("terraform")
        self.assertIn("-reconfigure -backend-config=environments/dev.tfbackend -backend-config=key=dev.tfstate", init)

    def test_without_that_state_nothing_is_given(self):
        self.assert_refused(self.run_script("dev", init_status=1), "")

    def test_the_roles_of_another_environment_are_refused(self):
        self.assert_refused(self.run_script("prod"), "belongs to another environment (dev), not to prod")

        (self.root / "bin" / "roles.json").write_text(json.dumps(self.outputs))
        self.assert_refused(self.run_script("prod", "roles.json"), "these are the roles of dev, not of prod")

        del self.outputs["environment"]
        (self.root / "bin" / "roles.json").write_text(json.dumps(self.outputs))
        self.assert_refused(self.run_script("dev", "roles.json"), "these are the roles of unknown, not of dev")

    def test_a_role_that_nobody_needs_is_refused_before_anything_is_given(self):
        for given in [
            role(ACCOUNT, "Owner"),
            role(GROUP.removesuffix("/providers"), "Storage Blob Data Owner"),
            role(SECRET.removesuffix("/secrets/audit-database"), "Key Vault Secrets User"),
        ]:
            self.outputs["role_assignments_secrets"]["value"] = {"x": given}
            self.assert_refused(self.run_script("dev"), "which nobody needs")

    def test_a_description_cannot_add_a_role(self):
        given = role(ACCOUNT, "Storage Blob Data Owner") | {"description": f"x\ny\tid-2\t-\tOwner\t{GROUP}\tz"}
        self.outputs["role_assignments_secrets"]["value"] = {"x": given}

        self.assert_refused(self.run_script("dev"), "a tab or line break")

    def test_every_role_of_the_configuration_is_one_that_it_gives(self):
        roles = set(re.findall(r'role += "(.+)"', (PROJECT / "terraform" / "roles.tf").read_text()))

        self.assertEqual(len(roles), 4)
        script = (PROJECT / "scripts" / "assign-roles").read_text()
        self.assertEqual({name for name in roles if f'"{name}":' not in script}, set())

    def test_what_azure_refuses_stops_no_other_and_is_no_success(self):
        answer = self.run_script("dev", refused="Storage Blob Data Owner")

        self.assertEqual(answer.returncode, 1)
        self.assertEqual(len(self.calls("az")), 3)
        self.assertIn("host-storage/audit-api: Storage Blob Data Owner was refused", answer.stderr)
        self.assertIn("audit-database/audit-api: Key Vault Secrets User", answer.stdout)

    def test_the_list_holds_no_secret_and_serves_somebody_without_the_state(self):
        listed = self.run_script("dev", "--list")
        self.assertEqual(self.calls("az"), [])
        self.assertNotIn("a-secret", listed.stdout)
        (self.root / "bin" / "roles.json").write_text(listed.stdout)
        (self.root / "terraform-calls").unlink()

        answer = self.run_script("dev", "roles.json")

        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(len(self.calls("az")), 3)
        self.assertEqual(self.calls("terraform"), [])

    def test_where_terraform_gives_the_roles_nothing_is_left(self):
        for name in self.outputs:
            if name.startswith("role_assignments_"):
                self.outputs[name] = {"value": {}}

        answer = self.run_script("dev")

        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.calls("az"), [])
        self.assertIn("No roles to assign", answer.stdout)


if __name__ == "__main__":
    unittest.main()
