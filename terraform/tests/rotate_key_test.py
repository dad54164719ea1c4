"""Runs scripts/rotate-key --azure in a repository of its own, with a stand-in for terraform."""

import subprocess
import unittest

from stand_ins import Project

FILE = "terraform/environments/dev.tfvars"


class RotateKey(Project):
    def setUp(self):
        super().setUp()
        self.scene(outputs={"packages": {}})
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=self.root, check=True)

    def commit(self):
        self.git("add", "terraform")
        self.git("commit", "--quiet", "--message", "x")

    def rotate(self, keys, answer="yes\n", **scene):
        self.scene(**scene)
        return self.run_script("scripts/rotate-key", "--azure", "dev", keys, answer=answer)

    def setting(self, name):
        lines = (self.root / FILE).read_text().splitlines()
        return [line.split(" = ")[1] for line in lines if line.startswith(f"{name} ")]

    def planned(self):
        return self.calls("terraform -chdir=terraform plan")[0].split(" -var ")[2:]

    def test_each_committed_rotation_goes_to_the_other_slot(self):
        for expected in ["2", "3"]:
            self.assertEqual(self.rotate("function-keys"), 0, self.said)
            self.assertEqual(self.planned(), ["packages={}", f"function_key_rotation={expected}"])
            self.assertEqual(self.trace("applied"), ["whole"])
            self.assertEqual(self.setting("function_key_rotation"), [expected])
            self.commit()

    def test_a_rotation_that_broke_off_is_repeated_and_not_followed_by_another(self):
        self.assertNotEqual(self.rotate("function-keys", failing="apply whole"), 0)
        self.assertEqual(self.setting("function_key_rotation"), ["2"])

        self.assertEqual(self.rotate("function-keys", failing=None), 0, self.said)
        self.assertEqual(self.planned(), ["packages={}", "function_key_rotation=2"])
        self.assertEqual(self.setting("function_key_rotation"), ["2"])

    def test_a_rotation_that_is_declined_changes_nothing(self):
        self.assertEqual(self.rotate("function-keys", answer="no\n"), 1)

        self.assertEqual(self.setting("function_key_rotation"), ["1"])
        self.assertEqual(self.trace("applied"), [])

    def test_database_keys_alternate(self):
        for expected in ["secondary", "primary"]:
            self.assertEqual(self.rotate("database-keys"), 0, self.said)
            self.assertEqual(self.planned(), ["packages={}", f"database_key={expected}"])
            self.assertEqual(self.setting("database_key"), [f'"{expected}"'])
            self.commit()

    def test_a_variable_that_is_not_set_is_no_rotation(self):
        (self.root / FILE).write_text('location = "westeurope"\n')
        self.commit()

        self.assertEqual(self.rotate("function-keys"), 1)
        self.assertIn("does not set function_key_rotation", self.said)
        self.assertEqual(self.trace("applied"), [])

    def test_other_keys_are_refused(self):
        self.assertEqual(self.rotate("every-key"), 2)
        self.assertEqual(self.trace("calls"), [])


if __name__ == "__main__":
    unittest.main()
