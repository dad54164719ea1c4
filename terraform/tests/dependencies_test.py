"""What must come before what: read from Terraform's own graph, and tried with a state of another environment.
Needs `terraform init`, as scripts/terraform-check does it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TERRAFORM = pathlib.Path(__file__).parent.parent


def terraform(folder, *arguments, **environment):
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )


def graph():
    """Each resource, and what it directly depends on."""
    with tempfile.TemporaryDirectory() as folder:
        # Without the backend of whoever runs this, which nothing here may need.
        copy = shutil.copytree(
            TERRAFORM, f"{folder}/terraform", ignore=shutil.ignore_patterns(".terraform", "backend.tf", "tests")
        )
        data = os.environ.get("TF_DATA_DIR", str(TERRAFORM / ".terraform"))
        answer = terraform(copy, "graph", TF_DATA_DIR=data)
    assert answer.returncode == 0, answer.stderr
    edges = {name: set() for name in re.findall(r'^\s*"(\S+)" \[label', answer.stdout, re.MULTILINE)}
    for name, dependency in re.findall(r'^\s*"(\S+)" -> "(\S+)";', answer.stdout, re.MULTILINE):
        edges[name].add(dependency)
    return edges


def reaches(edges, name, wanted):
    return name == wanted or any(reaches(edges, dependency, wanted) for dependency in edges[name])


class Graph(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edges = graph()

    def test_every_resource_comes_after_the_check_of_the_environment(self):
        outside_azure = ("data.", "ephemeral.", "random_", "terraform_data.")
        resources = {name for name in self.edges if not name.startswith(outside_azure)}
        self.assertEqual({name for name in resources if not reaches(self.edges, name, "terraform_data.environment")}, set())
        self.assertIn("module.function_app.azurerm_linux_function_app.main", resources)

    def test_a_key_is_written_to_a_host_that_was_asked_whether_it_takes_keys(self):
        self.assertIn("azapi_resource_action.function_keys", self.edges["azapi_resource.function_key"])
        self.assertIn("terraform_data.function_key_write", self.edges["azapi_resource_action.function_keys"])


# As in main.tf: a group that is made only if none is given, and something in it.
SOMETHING = """
variable "environment" {}

resource "terraform_data" "group" {
  count      = 0
  depends_on = [terraform_data.environment]
}

resource "terraform_data" "something" {
  input = concat(terraform_data.group[*].id, [var.environment])
}
"""


class Environment(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        block = re.search(
            r'^resource "terraform_data" "environment" {\n.*?^}\n',
            (TERRAFORM / "main.tf").read_text(), re.DOTALL | re.MULTILINE,
        )
        pathlib.Path(self.folder, "main.tf").write_text(block[0] + SOMETHING)
        self.run_terraform("init")
        self.run_terraform("apply", "-auto-approve", "-var=environment=dev")

    def run_terraform(self, *arguments, status=0):
        answer = terraform(self.folder, *arguments, "-no-color", TF_DATA_DIR=f"{self.folder}/.terraform")
        self.assertEqual(answer.returncode, status, answer.stderr)
        return answer.stderr

    def test_a_plan_for_the_same_environment_changes_nothing(self):
        self.run_terraform("plan", "-detailed-exitcode", "-var=environment=dev")

    def test_a_plan_for_another_environment_fails(self):
        self.assertIn("prevent_destroy", self.run_terraform("plan", "-var=environment=prod", status=1))

    def test_a_plan_of_a_part_of_another_environment_fails(self):
        part = "-target=terraform_data.something"
        self.assertIn("prevent_destroy", self.run_terraform("plan", "-var=environment=prod", part, status=1))


if __name__ == "__main__":
    unittest.main()
