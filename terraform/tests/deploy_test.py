"""Runs scripts/deploy with stand-ins for terraform and az."""

import os
import signal
import time
import unittest

from stand_ins import Project, state

DEPLOY = "scripts/deploy"
ADDRESS = ["--address", "203.0.113.7"]
FIRST = {"state": state(resources=[])}


class DeployTest(Project):
    def setUp(self):
        super().setUp()
        (self.root / "scripts" / "check-deployment").write_text('#!/bin/sh\necho "checked $1" >>checked\n')
        self.scene(outputs={"package_account": "stpackagesdev"})

    def deploy(self, *options, answer="yes\n"):
        return self.run_script(DEPLOY, *options, answer=answer)

    def assert_shut(self):
        self.assertEqual("\n".join(self.trace("open")), "", self.said)


class Deploy(DeployTest):
    def test_everything_is_uploaded_then_shown_then_applied_then_checked(self):
        self.assertEqual(self.deploy("dev"), 0, self.said)

        self.assertEqual(self.trace("applied"), ["part", "whole"])
        self.assertEqual(self.trace("checked"), ["checked dev"])
        self.assertIn("Only yes does", self.said)
        uploads, plans = self.calls("az storage blob upload"), self.calls("terraform -chdir=terraform plan")
        self.assertEqual((len(uploads), len(plans)), (2, 2))
        self.assertLess(self.trace("calls").index(uploads[1]), self.trace("calls").index(plans[1]))

    def test_the_state_is_that_of_the_environment(self):
        self.deploy("prod")

        init = self.calls("terraform -chdir=terraform init")[0]
        self.assertIn("-reconfigure -backend-config=environments/prod.tfbackend -backend-config=key=prod.tfstate", init)

    def test_the_state_of_another_environment_is_left_alone(self):
        self.assertEqual(self.deploy("prod"), 1)

        self.assertIn("belongs to another environment (dev), not to prod", self.said)
        self.assert_nothing_was_touched()

    def test_a_first_apply_that_was_killed_is_still_of_its_environment(self):
        self.scene(state=state(outputs=False))

        self.assertEqual(self.deploy("prod"), 1)
        self.assert_nothing_was_touched()
        self.assertEqual(self.deploy("dev"), 0, self.said)

    def test_resources_of_no_environment_are_left_alone(self):
        self.scene(state=state(resources=["azurerm_resource_group.main[0]"], outputs=False))

        self.assertEqual(self.deploy("dev"), 1)
        self.assert_nothing_was_touched()

    def test_an_empty_state_is_a_first_deployment(self):
        self.scene(**FIRST)

        self.assertEqual(self.deploy("dev"), 0, self.said)
        self.assertIn("first deployment", self.said)

    def test_placeholders_are_refused(self):
        (self.root / "terraform/environments/dev.tfbackend").write_text('storage_account_name = "REPLACE"\n')

        self.assertEqual(self.deploy("dev"), 1)
        self.assertIn("terraform/environments/dev.tfbackend has placeholders", self.said)
        self.assertEqual(self.trace("calls"), [])

    def test_an_unknown_environment_is_refused(self):
        for name in ["test", "../dev", ""]:
            self.assertNotEqual(self.deploy(name), 0)
            self.assertEqual(self.trace("calls"), [])

    def test_wrong_arguments_are_refused(self):
        for options in [[], ["dev", "--addres", "x"], ["dev", "--plan"], ["dev", "--allow-deletions"], ["dev", "--no-check"],
                        ["dev", "--apply", "a", "--plan", "b"], ["dev", "--apply", "a", *ADDRESS]]:
            self.assertEqual(self.deploy(*options), 2, options)
            self.assertEqual(self.trace("calls"), [])

    def test_missing_packages_are_named(self):
        (self.root / "target/packages/audit-api.zip").unlink()

        self.assertEqual(self.deploy("dev"), 1)
        self.assertIn("there is no target/packages/audit-api.zip: run scripts/package", self.said)
        self.assert_nothing_was_touched()

    def test_packages_are_named_after_their_content(self):
        names = []
        for content in ["one", "one", "two"]:
            (self.root / "target/packages/patient-tests-api.zip").write_text(content)
            self.scene()
            self.assertEqual(self.deploy("dev"), 0, self.said)
            names.append(self.calls("az storage blob upload")[0].split("--name ")[1].split()[0])

        self.assertRegex(names[0], r"^patient-tests-api-[0-9a-f]{16}\.zip$")
        self.assertEqual(names[0], names[1])
        self.assertNotEqual(names[0], names[2])

    def test_nothing_is_deleted_before_the_question(self):
        for actions in [["delete"], ["delete", "create"], ["create", "delete"]]:
            self.scene(part={"azurerm_storage_account.packages": actions})

            self.assertEqual(self.deploy("dev"), 1)
            self.assertIn("  azurerm_storage_account.packages", self.said)
            self.assertEqual(self.trace("applied"), [])
            self.assertEqual(self.calls("az"), [])

    def test_a_plan_of_an_unknown_format_is_not_applied(self):
        self.scene(plan_format="2.0")

        self.assertNotEqual(self.deploy("dev"), 0)
        self.assertEqual(self.trace("applied"), [])

    def test_only_yes_applies(self):
        for answer in ["no\n", "yes please\n", ""]:
            self.scene()

            self.assertEqual(self.deploy("dev", answer=answer), 1)
            self.assertEqual(self.trace("applied"), ["part"])
            self.assertEqual(self.trace("checked"), [])

    def test_deletions_are_listed_before_the_question(self):
        self.scene(whole={"azurerm_subnet.app": ["delete", "create"], "azurerm_subnet.kept": ["update"]})

        self.assertEqual(self.deploy("dev", answer="no\n"), 1)
        self.assertIn("This deletes or replaces:\n  azurerm_subnet.app\n\nApply this plan to dev?", self.said)

    def test_no_plan_is_left_behind(self):
        for answer in ["yes\n", "no\n"]:
            self.deploy("dev", answer=answer)
            self.assertEqual({path.name for path in (self.root / "target").iterdir()}, {"packages", "terraform-dev"})


class PrivatePackages(DeployTest):
    def setUp(self):
        super().setUp()
        self.scene(packages_private=True)

    def test_the_account_is_open_for_the_upload_only(self):
        self.assertEqual(self.deploy("dev", *ADDRESS), 0, self.said)

        opening, shutting = [call for call in self.calls("terraform -chdir=terraform plan") if "-target" in call]
        self.assertIn('package_upload_addresses=["203.0.113.7"]', opening)
        self.assertIn("package_upload_addresses=[] ", shutting)
        self.assertEqual(self.trace("applied"), ["part", "part", "whole"])
        calls = self.trace("calls")
        self.assertLess(calls.index(self.calls("az storage blob upload")[-1]), calls.index(shutting))
        self.assert_shut()

    def test_an_address_is_needed_where_the_account_is_private_and_only_there(self):
        self.assertEqual(self.deploy("dev"), 1)
        self.assertIn("with --address", self.said)
        self.assertEqual(self.trace("applied"), [])

        self.scene(packages_private=False)
        self.assertEqual(self.deploy("dev", *ADDRESS), 1)
        self.assertIn("not private", self.said)
        self.assertEqual(self.trace("applied"), [])

    def test_an_operator_who_declines_leaves_nothing_open(self):
        self.assertEqual(self.deploy("dev", *ADDRESS, answer="no\n"), 1)
        self.assert_shut()

    def test_whatever_breaks_off_the_account_is_shut(self):
        for trouble in [{"upload_status": 1}, {"failing": "apply opening"}, {"failing": "plan whole"}, {"failing": "apply whole"}]:
            self.scene(**{"upload_status": 0, "failing": None} | trouble)

            self.assertNotEqual(self.deploy("dev", *ADDRESS), 0, trouble)
            self.assertIn(" -out", self.calls("terraform -chdir=terraform plan")[0])
            self.assertTrue(self.shutting(), trouble)
            self.assert_shut()
            self.assertEqual(self.trace("checked"), [])

    def shutting(self):
        return [call for call in self.calls("terraform -chdir=terraform plan") if "package_upload_addresses=[]" in call]

    def test_an_interrupted_upload_leaves_the_account_shut(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            self.scene(hanging=True)
            process = self.start(DEPLOY, "dev", *ADDRESS)
            deadline = time.monotonic() + 30
            while not (self.root / "hangs").exists():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            self.assertEqual(self.trace("open"), ["203.0.113.7"])
            os.killpg(process.pid, number)

            self.assertNotEqual(self.finish(process), 0)
            self.wait_until_shut()
            self.assertEqual(self.trace("applied"), ["part", "part"])
            (self.root / "hangs").unlink()

    def wait_until_shut(self):
        deadline = time.monotonic() + 30
        while self.trace("open"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_an_account_that_cannot_be_shut_is_said_aloud(self):
        self.scene(failing="apply shutting")

        self.assertEqual(self.deploy("dev", *ADDRESS), 1)
        self.assertIn("THE PACKAGE ACCOUNT MAY STILL BE OPEN to 203.0.113.7", self.said)
        self.assertIn("az storage account update --name stpackagesdev --public-network-access Disabled", self.said)
        self.assertEqual(self.trace("applied"), ["part"])


class SavedPlan(DeployTest):
    def setUp(self):
        super().setUp()
        self.plan = self.root / "plan"

    def save(self, name="dev"):
        self.assertEqual(self.deploy(name, "--plan", "plan"), 0, self.said)

    def test_a_plan_is_saved_for_nobody_else_and_not_applied(self):
        self.save()

        self.assertEqual(self.trace("applied"), ["part"])
        self.assertEqual(self.plan.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.trace("checked"), [])

    def test_a_plan_that_failed_is_not_kept(self):
        self.scene(failing="plan whole")

        self.assertEqual(self.deploy("dev", "--plan", "plan"), 1)
        self.assertFalse(self.plan.exists())

    def test_that_very_plan_is_applied_and_checked(self):
        self.save()
        self.scene()

        self.assertEqual(self.deploy("dev", "--apply", "plan", answer=""), 0, self.said)
        self.assertEqual(self.calls("terraform -chdir=terraform plan"), [])
        self.assertEqual(self.trace("applied"), ["whole"])
        self.assertEqual(self.trace("checked"), ["checked dev"])

    def test_the_check_can_wait(self):
        self.save()

        self.assertEqual(self.deploy("dev", "--apply", "plan", "--no-check"), 0, self.said)
        self.assertEqual(self.trace("checked"), [])

    def test_a_plan_of_another_environment_is_not_applied(self):
        self.save()
        self.scene(state=state("prod"))

        self.assertEqual(self.deploy("prod", "--apply", "plan"), 1)
        self.assertIn("is not a plan of prod", self.said)
        self.assertEqual(self.trace("applied"), [])

    def test_a_plan_that_deletes_is_applied_only_if_that_is_allowed(self):
        self.scene(whole={"azurerm_subnet.app": ["delete", "create"]})
        self.save()
        self.assertIn("This deletes or replaces:\n  azurerm_subnet.app", self.said)

        self.scene()
        self.assertEqual(self.deploy("dev", "--apply", "plan"), 1)
        self.assertIn("without --allow-deletions:\n  azurerm_subnet.app", self.said)
        self.assertEqual(self.trace("applied"), [])

        self.assertEqual(self.deploy("dev", "--apply", "plan", "--allow-deletions"), 0, self.said)


class OtherScripts(Project):
    def test_all_refuse_the_state_of_another_environment(self):
        for command in [["check-deployment", "prod"], ["check-drift", "prod"], ["upload-packages", "prod"],
                        ["rotate-key", "--azure", "prod", "function-keys"], ["terraform", "prod", "output"]]:
            self.scene()

            self.assertEqual(self.run_script(f"scripts/{command[0]}", *command[1:]), 1, command)
            self.assertIn("belongs to another environment (dev), not to prod", self.said)
            self.assert_nothing_was_touched()

    def test_what_needs_a_deployment_refuses_an_empty_state(self):
        for command in [["check-deployment", "dev"], ["check-drift", "dev"], ["rotate-key", "--azure", "dev", "function-keys"]]:
            self.scene(**FIRST)

            self.assertEqual(self.run_script(f"scripts/{command[0]}", *command[1:]), 1, command)
            self.assertIn("the state of dev is empty", self.said)
            self.assert_nothing_was_touched()

    def test_terraform_runs_on_the_state_of_the_environment(self):
        self.scene(outputs={"gateway_url": "https://gateway"})

        self.assertEqual(self.run_script("scripts/terraform", "dev", "output", "-raw", "gateway_url"), 0, self.said)
        self.assertEqual(self.said, "https://gateway\n")
        self.assertTrue((self.root / "target/terraform-dev").exists())

    def test_locked_providers_are_the_ones_that_run(self):
        (self.root / "terraform" / ".terraform.lock.hcl").touch()

        self.run_script("scripts/terraform", "dev", "version")
        self.assertIn("-lockfile=readonly", self.calls("terraform -chdir=terraform init")[0])


if __name__ == "__main__":
    unittest.main()
