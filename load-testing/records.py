"""Generates realistic patients and medical tests; the data depends only on the generator's state."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

Record = dict[str, Any]

FIRST_NAMES = {
    "female": ("Amelia", "Anahera", "Charlotte", "Chloë", "Isla", "Mei", "Ngaire", "Priya", "Zoë"),
    "male": ("Arjun", "Henare", "Jack", "José", "Leo", "Nikau", "Oliver", "Søren", "Wiremu"),
    "other": ("Alex", "Ariki", "Kim", "Robin", "Sam"),
    "unknown": ("Baby", "Jordan"),
}
GENDER_WEIGHTS = {"female": 49, "male": 49, "other": 1, "unknown": 1}
LAST_NAMES = (
    "Brown",
    "Chen",
    "García",
    "Henare",
    "Kaur",
    "Moana",
    "Müller",
    "Ngata",
    "O'Brien",
    "Patel",
    "Smith",
    "Tamihana",
    "Tūī",
    "Williams",
)
POST_CODES = ("0110", "0610", "1010", "2000", "3000", "3110", "4410", "5011", "6011", "8011", "9016")
PERFORMERS = ("Harbour Pathology", "Southern Community Laboratories", "Ward 4 point of care")

# LOINC code, unit, usual lowest, usual highest, decimals.
ANALYTES = (
    ("718-7", "g/L", 115, 175, 0),
    ("2345-7", "mmol/L", 3.5, 7.7, 1),
    ("2823-3", "mmol/L", 3.5, 5.2, 1),
    ("2951-2", "mmol/L", 135, 145, 0),
    ("2160-0", "µmol/L", 45, 110, 0),
    ("4548-4", "mmol/mol", 20, 41, 0),
    ("6690-2", "10*9/L", 4, 11, 1),
    ("777-3", "10*9/L", 150, 400, 0),
)

OLDEST_AGE_DAYS = 100 * 365
INSURED_SHARE = 0.9
REACHABLE_SHARE = 0.8
FULL_DATE_SHARE = 0.95
OBSERVATIONS_MAX = 8


def patient(random: Random, last_name: str) -> Record:
    """A new patient of this family."""
    genders, weights = zip(*GENDER_WEIGHTS.items(), strict=True)
    gender = random.choices(genders, weights)[0]
    first_name = random.choice(FIRST_NAMES[gender])
    record = {
        "firstName": first_name,
        "lastName": last_name,
        "fullName": f"{first_name} {last_name}",
        "gender": gender,
        "dateOfBirth": date_of_birth(random),
        "postCode": random.choice(POST_CODES),
    }
    if random.random() < INSURED_SHARE:
        record["insuranceNumber"] = f"{random.randrange(10**9):09d}"
    if random.random() < REACHABLE_SHARE:
        record["preferredContactNumber"] = f"+64 21 {random.randrange(10**7):07d}"
    return record


def date_of_birth(random: Random) -> str:
    """A date of birth; sometimes only month or year."""
    today = datetime.now(UTC).date()
    day = (today - timedelta(days=random.randrange(1, OLDEST_AGE_DAYS))).isoformat()
    if random.random() < FULL_DATE_SHARE:
        return day
    return day[: random.choice((len("YYYY"), len("YYYY-MM")))]


def last_name(random: Random, household: str) -> str:
    """A family name; the household separates the families of different users and runs."""
    return f"{random.choice(LAST_NAMES)}-{household}"


def medical_test(random: Random) -> Record:
    """The results of a blood sample."""
    taken = datetime.now(UTC) - timedelta(minutes=random.randrange(60, 60 * 24 * 30))
    issued = taken.strftime("%Y-%m-%dT%H:%M:%SZ")
    analytes = random.sample(ANALYTES, random.randint(1, OBSERVATIONS_MAX))
    return {
        "performer": random.choice(PERFORMERS),
        "orderReference": f"ORD-{random.randrange(10**8):08d}",
        "observations": [observation(random, analyte, issued) for analyte in analytes],
    }


def observation(random: Random, analyte: tuple[Any, ...], issued: str) -> Record:
    """A measured value, coded in LOINC, with its interpretation."""
    code, unit, lowest, highest, decimals = analyte
    value = random.gauss((lowest + highest) / 2, (highest - lowest) / 4)
    interpretation = "L" if value < lowest else "H" if value > highest else "N"
    return {
        "id": f"obs-{random.randrange(16**8):08x}",
        "code": code,
        "measurement": f"{value:.{decimals}f} {unit}",
        "interpretation": interpretation,
        "status": random.choice(("final", "final", "final", "preliminary")),
        "issued": issued,
    }


def invalid_patient(random: Random) -> tuple[Record, list[str]]:
    """An invalid patient, and the pointers that the problem must contain."""
    record = patient(random, random.choice(LAST_NAMES))
    field, value = random.choice(
        (
            ("firstName", ""),
            ("firstName", "x" * 65),
            ("gender", "F"),
            ("dateOfBirth", "29/02/1980"),
            ("dateOfBirth", "1981-02-29"),
            ("dateOfBirth", "2999-01-01"),
            ("postCode", "601"),
            ("postCode", 6011),
            ("phone", "+64 21 1234567"),
        )
    )
    return record | {field: value}, [f"/{field}"]


def invalid_medical_test(random: Random) -> tuple[Record, list[str]]:
    """A test with an observation without its time."""
    record = medical_test(random)
    last = len(record["observations"]) - 1
    del record["observations"][last]["issued"]
    return record, [f"/observations/{last}/issued"]
