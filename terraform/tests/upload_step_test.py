"""What scripts/upload-packages makes without asking: read from its targets and Terraform's own graph."""

import pathlib
import re
import unittest

from dependencies_test import graph, reaches

SCRIPT = pathlib.Path(__file__).parent.parent.parent / "scripts" / "upload-packages"


class UploadStep(unittest.TestCase):
    def test_nothing_is_made_unasked_but_what_an_upload_needs(self):
        targets = re.findall(r"-target=(\S+)", SCRIPT.read_text())
        edges = graph()
        made = {name for name in edges if any(reaches(edges, target, name) for target in targets) and not name.startswith("data.")}

        self.assertEqual(
            made,
            {
                "azurerm_resource_group.main",
                "azurerm_role_assignment.package_publisher",
                "azurerm_storage_account.packages",
                "azurerm_storage_container.package",
                "random_string.suffix",
                "terraform_data.environment",
            },
        )


if __name__ == "__main__":
    unittest.main()
