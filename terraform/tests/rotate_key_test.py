"""Runs scripts/rotate-key --azure in a repository of its own, with a terraform that only notes how it was called."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).parent.parent.parent

TERRAFORM = """#!/bin/sh
case "$*" in
  *output*) echo '{}' ;;
  *) echo "$@" >>"$CALLS"; exit "$APPLY_STATUS" ;;
esac
"""


class RotateKey(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(PROJECT / "terraform" / "environments", self.root / "terraform" / "environments")
        (self.root / "scripts").mkdir()
        for script in ["rotate-key", "rotate-key-azure"]:
            shutil.copy(PROJECT / "scripts" / script, self.root / "scripts")
        (self.root / "bin").mkdir()
        (self.root / "bin" / "terraform").write_text(TERRAFORM)
        (self.root / "bin" / "terraform").chmod(0o755)
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=self.root, check=True)

    def commit(self):
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "x")

    def rotate(self, keys, apply_status=0):
        environment = os.environ | {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "CALLS": str(self.root / "calls"),
            "APPLY_STATUS": str(apply_status),
        }
        answer = subprocess.run(
            ["scripts/rotate-key", "--azure", "dev", keys], cwd=self.root, env=environment, capture_output=True, timeout=60
        )
        return answer.returncode

    def setting(self, name):
        lines = (self.root / "terraform/environments/dev.tfvars").read_text().splitlines()
        return [line.split(" = ")[1] for line in lines if line.startswith(f"{name} ")]

    def test_each_committed_rotation_goes_to_the_other_slot(self):
        for expected in ["2", "3"]:
            self.assertEqual(self.rotate("host-keys"), 0)
            self.assertEqual(self.setting("host_key_rotation"), [expected])
            self.commit()

    def test_a_rotation_that_broke_off_is_repeated_and_not_followed_by_another(self):
        self.assertNotEqual(self.rotate("host-keys", apply_status=1), 0)
        self.assertEqual(self.rotate("host-keys"), 0)

        self.assertEqual(self.setting("host_key_rotation"), ["2"])
        first, second = (self.root / "calls").read_text().splitlines()
        self.assertEqual(first, "-chdir=terraform apply -var-file=environments/dev.tfvars -var packages={}")
        self.assertEqual(second, first)

    def test_database_keys_alternate(self):
        for expected in ['"secondary"', '"primary"']:
            self.assertEqual(self.rotate("database-keys"), 0)
            self.assertEqual(self.setting("database_key"), [expected])
            self.commit()

    def test_other_keys_are_refused(self):
        self.assertEqual(self.rotate("every-key"), 2)
        self.assertFalse((self.root / "calls").exists())


if __name__ == "__main__":
    unittest.main()
