import sys
import unittest
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import records
import responses

ID = "0190a6b2-1111-7abc-8def-0123456789ab"


class Responses(unittest.TestCase):
    def test_what_was_written_is_what_must_be_read(self) -> None:
        written = {"firstName": "Ada", "postCode": "2000"}
        given = {"id": ID, "lastUpdated": "2020-05-14T15:14:15.120Z"}

        self.assertEqual(responses.differences(written, written | given), [])
        self.assertEqual(responses.differences(written, {"firstName": "Ada"}), ["postCode is not as written"])
        self.assertEqual(
            responses.differences(written, written | {"gender": "other"}), ["gender is not as written"]
        )
        self.assertEqual(responses.differences(written, None), ["the body is not a record"])

    def test_a_create_names_the_new_record(self) -> None:
        read = {"firstName": "Ada", "id": ID}

        self.assertEqual(responses.created({"firstName": "Ada"}, read, f"patient/{ID}", '"1"'), [])
        self.assertEqual(
            responses.created({"firstName": "Ada"}, read, None, '"2"'),
            ["Location does not end with the id", "ETag is not that of version 1"],
        )
        self.assertIn("id is not a GUID", responses.created({}, {"id": ID.upper()}, None, '"1"'))

    def test_a_refusal_points_at_what_is_wrong(self) -> None:
        problem = {
            "type": "urn:problem:patient-records:invalid-request",
            "status": 400,
            "errors": [{"pointer": "/gender", "detail": "…"}],
        }

        self.assertEqual(responses.problem(problem, 400, ["/gender"]), [])
        self.assertEqual(
            responses.problem(problem, 400, ["/postCode"]),
            ["the problem does not point at the invalid fields"],
        )
        self.assertEqual(
            responses.problem(problem | {"status": 500}, 400),
            ["the problem's status is not that of the response"],
        )

    def test_a_list_has_every_record_once_in_order_and_none_that_is_gone(self) -> None:
        self.assertEqual(responses.listing(["a", "b", "c"], {"a", "b"}, {"d"}), [])
        self.assertIn("a record is listed twice", responses.listing(["a", "a"], set(), set()))
        self.assertIn("the records are not sorted by id", responses.listing(["b", "a"], set(), set()))
        self.assertIn("a record is missing", responses.listing(["a"], {"b"}, set()))
        self.assertIn("a deleted record is listed", responses.listing(["a"], set(), {"a"}))

    def test_the_next_page_is_found_and_the_last_has_none(self) -> None:
        self.assertEqual(responses.next_page('<?cursor=x&limit=2>; rel="next"'), "cursor=x&limit=2")
        self.assertIsNone(responses.next_page('<?cursor=x>; rel="prev"'))
        self.assertIsNone(responses.next_page(None))


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
