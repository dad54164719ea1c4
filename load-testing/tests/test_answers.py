import sys
import unittest
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import answers
import records

ID = "0190a6b2-1111-7abc-8def-0123456789ab"


class Answers(unittest.TestCase):
    def test_what_was_written_is_what_must_be_read(self) -> None:
        written = {"firstName": "Ada", "postCode": "2000"}
        given = {"id": ID, "lastUpdated": "2020-05-14T15:14:15.120Z"}

        self.assertEqual(answers.differences(written, written | given), [])
        self.assertEqual(answers.differences(written, {"firstName": "Ada"}), ["postCode is not as written"])
        self.assertEqual(
            answers.differences(written, written | {"gender": "other"}), ["gender is not as written"]
        )
        self.assertEqual(answers.differences(written, None), ["the body is no record"])

    def test_a_create_names_the_new_record(self) -> None:
        read = {"firstName": "Ada", "id": ID}

        self.assertEqual(answers.created({"firstName": "Ada"}, read, f"patient/{ID}", '"1"'), [])
        self.assertEqual(
            answers.created({"firstName": "Ada"}, read, None, '"2"'),
            ["Location does not end with the id", "ETag is not that of a first version"],
        )
        self.assertIn("id is no GUID", answers.created({}, {"id": ID.upper()}, None, '"1"'))

    def test_a_refusal_points_at_what_is_wrong(self) -> None:
        problem = {
            "type": "urn:problem:patient-records:invalid-request",
            "status": 400,
            "errors": [{"pointer": "/gender", "detail": "…"}],
        }

        self.assertEqual(answers.problem(problem, 400, ["/gender"]), [])
        self.assertEqual(
            answers.problem(problem, 400, ["/postCode"]), ["the problem does not point at the wrong fields"]
        )
        self.assertEqual(
            answers.problem(problem | {"status": 500}, 400),
            ["the problem's status is not that of the answer"],
        )

    def test_a_list_has_every_record_once_in_order_and_none_that_is_gone(self) -> None:
        self.assertEqual(answers.listing(["a", "b", "c"], {"a", "b"}, {"d"}), [])
        self.assertIn("a record is on the pages twice", answers.listing(["a", "a"], set(), set()))
        self.assertIn("the records are not sorted by id", answers.listing(["b", "a"], set(), set()))
        self.assertIn("a record is missing", answers.listing(["a"], {"b"}, set()))
        self.assertIn("a deleted record is there", answers.listing(["a"], set(), {"a"}))

    def test_the_next_page_is_found_and_the_last_has_none(self) -> None:
        self.assertEqual(answers.next_page('<?cursor=x&limit=2>; rel="next"'), "cursor=x&limit=2")
        self.assertIsNone(answers.next_page('<?cursor=x>; rel="prev"'))
        self.assertIsNone(answers.next_page(None))


class Records(unittest.TestCase):
    def test_the_same_seed_makes_the_same_data(self) -> None:
        first, second = Random(7), Random(7)

        self.assertEqual(
            [records.patient(first, "Moana") for _ in range(50)],
            [records.patient(second, "Moana") for _ in range(50)],
        )

    def test_what_is_made_wrong_is_named(self) -> None:
        body, pointers = records.invalid_medical_test(Random(7))

        self.assertNotIn("issued", body["observations"][-1])
        self.assertEqual(pointers, [f"/observations/{len(body['observations']) - 1}/issued"])


if __name__ == "__main__":
    unittest.main()
