"""What .github/workflows runs: actions by commit, and plans that are kept beside the state."""

import re
import unittest

from stand_ins import ROOT, Project

ACTION = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
BLOB = "--auth-mode login --only-show-errors --output none --account-name stterraform --container-name states --name plans/dev-7"


class Workflows(unittest.TestCase):
    def test_actions_are_pinned_by_commit(self):
        used = []
        for path in (ROOT / ".github" / "workflows").iterdir():
            used += [line.split("uses: ")[1] for line in path.read_text().splitlines() if "uses: " in line]

        self.assertGreater(len(used), 15)
        self.assertEqual([action for action in used if not ACTION.fullmatch(action)], [])

    def test_an_action_is_the_same_everywhere(self):
        used = set()
        for path in (ROOT / ".github" / "workflows").iterdir():
            used |= set(re.findall(r"uses: (.+)", path.read_text()))

        self.assertEqual(len(used), len({action.split("@")[0] for action in used}))


class StoredPlan(Project):
    def setUp(self):
        super().setUp()
        (self.root / "terraform/environments/dev.tfbackend").write_text(
            'storage_account_name = "stterraform"\ncontainer_name       = "states"\n'
        )

    def store(self, *arguments):
        return self.run_script("scripts/stored-plan", *arguments)

    def test_a_plan_is_kept_in_the_container_of_the_state(self):
        self.assertEqual(self.store("put", "dev", "7", "plan"), 0, self.said)
        self.assertEqual(self.trace("calls"), [f"az storage blob upload {BLOB} --overwrite --file {self.root}/plan"])

    def test_a_plan_is_taken_once(self):
        self.assertEqual(self.store("take", "dev", "7", "plan"), 0, self.said)
        self.assertEqual(
            self.trace("calls"), [f"az storage blob download {BLOB} --file {self.root}/plan", f"az storage blob delete {BLOB}"]
        )

    def test_a_plan_that_is_not_stored_is_a_failure(self):
        self.scene(upload_status=1)
        self.assertNotEqual(self.store("put", "dev", "7", "plan"), 0)

    def test_wrong_arguments_are_refused(self):
        for arguments in [["put", "dev", "7"], ["get", "dev", "7", "plan"]]:
            self.assertEqual(self.store(*arguments), 2)
        self.assertEqual(self.trace("calls"), [])


if __name__ == "__main__":
    unittest.main()
