"""A project of its own for each test of a script, with stand-ins for what would reach Azure."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

STAND_INS = pathlib.Path(__file__).parent / "stand_in_commands.py"
ROOT = pathlib.Path(__file__).parent.parent.parent
SCRIPTS = """check-deployment check-drift deploy rotate-key rotate-key-azure stored-plan terraform
    terraform-check terraform-state upload-packages""".split()


def state(owner="dev", resources=("terraform_data.environment", "azurerm_resource_group.main[0]"), outputs=True):
    """As `terraform show -json` prints it: `owner` is the environment to which it belongs."""
    if not resources:
        return {"format_version": "1.0"}
    return {
        "format_version": "1.0",
        "values": {
            "outputs": {"environment": {"value": owner}} if outputs else {},
            "root_module": {"resources": [{"address": name, "values": {"triggers_replace": owner}} for name in resources]},
        },
    }


class Project(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "scripts").mkdir()
        for script in SCRIPTS:
            shutil.copy(ROOT / "scripts" / script, self.root / "scripts")
        environments = self.root / "terraform" / "environments"
        shutil.copytree(ROOT / "terraform" / "environments", environments)
        for name in ["dev", "prod"]:
            (environments / f"{name}.tfbackend").write_text('storage_account_name = "stterraform"\n')
        (self.root / "target" / "packages").mkdir(parents=True)
        for app in ["patient-tests-api", "audit-api"]:
            (self.root / "target" / "packages" / f"{app}.zip").write_text(app)
        self.environment = {}
        (self.root / "bin").mkdir()
        for command in ["terraform", "az", "curl", "sleep"]:
            path = self.root / "bin" / command
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{STAND_INS}" {command} "$@"\n')
            path.chmod(0o755)
        self.scene(state=state())

    def scene(self, **changes):
        """Changes what the stand-ins do, and forgets what they did."""
        path = self.root / "scene.json"
        scene = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(scene | changes))
        for trace in ["calls", "applied", "open"]:
            (self.root / trace).unlink(missing_ok=True)

    def start(self, *command):
        return subprocess.Popen(
            command, cwd=self.root, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": f"{self.root}/bin:{os.environ['PATH']}", "STAND_INS": str(self.root)} | self.environment,
        )

    def finish(self, process, answer=""):
        """Waits for what `start` has started; its output is in `said`."""
        output, errors = process.communicate(answer, timeout=300)
        self.said = output + errors
        return process.returncode

    def run_script(self, *command, answer=""):
        return self.finish(self.start(*command), answer)

    def trace(self, name):
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def calls(self, command):
        """How the command was called that begins like this."""
        return [call for call in self.trace("calls") if call.startswith(command)]

    def assert_nothing_was_touched(self):
        touching = [call for call in self.trace("calls") if call.split()[0] != "terraform" or not {"init", "show"} & set(call.split())]
        self.assertEqual(touching, [], self.said)
