"""Runs scripts/terraform-check with stand-ins, in a project with a lock file of providers."""

import shutil
import unittest

from stand_ins import ROOT, Project

REAL = 'provider "x" {\n  hashes = ["h1:a", "zh:b"]\n}\n'
CHECKED = "import os\nprint('one test', file=open(os.environ['STAND_INS'] + '/checked', 'a'))\n"
STAND_INS = 'provider "x" {\n  hashes = ["h1:c"]\n}\n'


class TerraformCheck(Project):
    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "terraform" / "collections", self.root / "terraform" / "collections")
        (self.root / "terraform" / "tests" / "unit").mkdir(parents=True)
        (self.root / "terraform" / "tests" / "unit" / "one.tftest.hcl").touch()
        (self.root / "terraform" / "tests" / "one_test.py").write_text(CHECKED)
        for app in ["patient-tests-api", "audit-api"]:
            self.command(f"target/debug/{app}", f'cat "terraform/collections/{app}.json"')
        self.command("scripts/fetch-python-tool", "")
        self.command("target/tools/checkov/bin/checkov", 'echo checkov >>"$STAND_INS/checked"')
        self.lock = self.root / "terraform" / ".terraform.lock.hcl"

    def command(self, name, body):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def check(self):
        self.scene()
        return self.run_script("scripts/terraform-check")

    def test_the_providers_that_are_locked_are_checked_on_a_copy(self):
        self.lock.write_text(REAL)

        self.assertEqual(self.check(), 0, self.said)
        init, = self.calls(f"terraform -chdir={self.root}/target/terraform-check/terraform init")
        self.assertIn("-lockfile=readonly", init)
        self.assertEqual((self.root / "target/terraform-check/terraform/.terraform.lock.hcl").read_text(), REAL)
        self.assertEqual(self.calls("terraform -chdir=terraform "), [])

    def test_without_a_lock_file_none_is_asked_for(self):
        self.assertEqual(self.check(), 0, self.said)
        self.assertNotIn("-lockfile", " ".join(self.trace("calls")))

    def test_stand_ins_for_providers_do_not_have_to_be_locked(self):
        self.command("offline/install", 'echo "$1" >"$STAND_INS/offline/folder"; echo "export OFFLINE=1"')
        self.environment["TERRAFORM_OFFLINE"] = str(self.root / "offline/install")
        self.lock.write_text(REAL)

        self.assertEqual(self.check(), 0, self.said)
        self.assertEqual((self.root / "offline/folder").read_text(), "target/terraform-offline\n")
        self.assertFalse((self.root / "target/terraform-check/terraform/.terraform.lock.hcl").exists())
        self.assertEqual(self.lock.read_text(), REAL)

    def test_nothing_outside_the_project_is_run_unasked(self):
        project = self.root / "project"
        project.mkdir()
        for name in ["scripts", "terraform", "target"]:
            (self.root / name).rename(project / name)
        self.command("shared/terraform-offline/install", 'touch "$STAND_INS/ran"')

        self.scene()
        self.assertEqual(self.run_script("project/scripts/terraform-check"), 0, self.said)
        self.assertFalse((self.root / "ran").exists())

    def test_without_a_registry_of_providers_all_the_rest_is_checked(self):
        (self.root / "terraform" / "tests" / "dependencies_test.py").write_text(CHECKED)
        self.scene(init_error="Error: could not connect to\nregistry.terraform.io: no such host")

        self.assertEqual(self.check(), 75, self.said)
        self.assertIn("terraform validate, terraform test and the tests of the graph did not run", self.said)
        self.assertEqual(self.calls("terraform fmt"), ["terraform fmt -check -diff -recursive terraform"])
        self.assertEqual(len(self.trace("checked")), 2)
        self.assertEqual([call for call in self.trace("calls") if " test " in call or " validate " in call], [])

    def test_another_failure_of_init_is_one(self):
        self.scene(init_error="Error: Unsupported block type")

        self.assertEqual(self.check(), 1)
        self.assertIn("Unsupported block type", self.said)

    def test_a_lock_file_of_stand_ins_is_refused(self):
        self.lock.write_text(STAND_INS)

        self.assertEqual(self.check(), 1)
        self.assertIn("delete it", self.said)
        self.assertEqual(self.trace("calls"), [])


if __name__ == "__main__":
    unittest.main()
