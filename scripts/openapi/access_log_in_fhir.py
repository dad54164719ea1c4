"""Reads a patient's access log as FHIR, and checks it against the R4B schema and the rules of IHE BALP 1.1.3.

The rules are written here from BALP's profiles, independently of the API's code.
"""

import json
import os
import sys
from http.client import HTTPConnection
from typing import Any

from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle

MEDIA_TYPE = "application/fhir+json"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
CUSTODIAN = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"

AUTHORS = {(PARTICIPATION, code) for code in ("AUT", "INF", "CST")}
# For each profile: interactions, action, type of the client, type of the server, types of a user.
PROFILES = {
    "PatientRead": ({"read", "vread"}, "R", (DICOM, "110152"), (DICOM, "110153"), {(PARTICIPATION, "IRCP")}),
    "PatientQuery": (
        {"search", "search-type", "search-system"},
        "E",
        (DICOM, "110153"),
        (DICOM, "110152"),
        {(PARTICIPATION, "IRCP")},
    ),
    "PatientCreate": ({"create"}, "C", (DICOM, "110153"), (DICOM, "110152"), AUTHORS),
    "PatientUpdate": ({"update", "patch"}, "U", (DICOM, "110153"), (DICOM, "110152"), AUTHORS),
    "PatientDelete": ({"delete"}, "D", (DICOM, "110150"), (CUSTODIAN, "custodian"), AUTHORS),
}


def expect(holds: bool, what: str, found: Any) -> None:
    """Ends the program unless a rule holds."""
    if not holds:
        sys.exit(f"access_log_in_fhir: {what}: {found}")


def call(method: str, path: str, body: dict[str, Any] | None = None, accept: str = "*/*") -> tuple[str, str]:
    """The media type and the text of a response of the API, which must be a success."""
    headers = {
        "Ocp-Apim-Subscription-Key": os.environ["SUBSCRIPTION_KEY"],
        "Content-Type": "application/json",
        "X-Purpose-Of-Use": "TREAT",
        "Accept": accept,
    }
    gateway = HTTPConnection(os.environ["GATEWAY_URL"].removeprefix("http://"), timeout=60)
    gateway.request(method, f"/{path}", None if body is None else json.dumps(body), headers)
    response = gateway.getresponse()
    text = response.read().decode()
    gateway.close()
    expect(response.status < 300, f"{method} {path} fails", text)
    return response.headers["Content-Type"], text


def code_of(coding: Any) -> tuple[str, str]:
    """The system and the code of a coding."""
    return coding.system, coding.code


def type_of(agent: Any) -> tuple[str, str]:
    """The type of an agent."""
    return code_of(agent.type.coding[0])


def only(items: list[Any], what: str) -> Any:
    """The only item of a list."""
    expect(len(items) == 1, f"there must be one {what}", len(items))
    return items[0]


def check_entities(event: AuditEvent, profile: str, patient_id: str) -> None:
    """Checks the patient, and the query or the records."""
    patient = only([each for each in event.entity if code_of(each.type) == (ENTITY_TYPE, "1")], "patient")
    expect(code_of(patient.role) == (ENTITY_ROLE, "1"), "the patient's role", patient.role)
    expect(patient.what.identifier.value == f"urn:uuid:{patient_id}", "the patient", patient.what)
    thing = only([each for each in event.entity if code_of(each.type) == (ENTITY_TYPE, "2")], "object")
    system, role = code_of(thing.role)
    expect(system == ENTITY_ROLE, "the system of a role", system)
    if profile == "PatientQuery":
        expect(role == "24", "the role of a query", role)
        expect(thing.query is not None or thing.query__ext is not None, "a query", thing)
        expect(thing.what is None and thing.detail is None, "a query has no records", thing)
    else:
        expect(role in ("3", "4", "20"), "the role of the records", role)
        expect(thing.what is not None, "the records", thing)
    if profile == "PatientDelete":
        expect(thing.detail is None and thing.query is None, "a deletion has no details", thing)


def check_profile(event: AuditEvent, patient_id: str) -> str:
    """Checks the rules of the profile that an event claims; returns the profile's name."""
    claimed = only(event.meta.profile, "profile")
    expect(claimed.startswith(BALP), "the profile", claimed)
    profile = claimed.removeprefix(BALP)
    interactions, action, client, server, users = PROFILES[profile]
    expect(
        code_of(event.type) == ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"),
        "the type",
        event.type,
    )
    expect(
        any(system == INTERACTION and code in interactions for system, code in map(code_of, event.subtype)),
        "the interaction",
        event.subtype,
    )
    expect(
        (event.action, event.outcome) == (action, "0"), "action and outcome", (event.action, event.outcome)
    )
    for kind, wanted in (("client", client), ("server", server)):
        agent = only([each for each in event.agent if type_of(each) == wanted], kind)
        expect(agent.who is not None and agent.network is not None, f"who the {kind} is", agent)
        expect(agent.media is None and agent.purposeOfUse is None, f"what a {kind} must not have", agent)
    for user in [each for each in event.agent if type_of(each) not in (client, server)]:
        expect(type_of(user) in users and user.requestor, "a user", user)
    expect(any(agent.requestor for agent in event.agent), "somebody asked", event.agent)
    check_entities(event, profile, patient_id)
    return profile


def use(patient_id: str, patient: dict[str, Any]) -> None:
    """Does everything with a patient that the log shows."""
    test = {"performer": "Lab", "orderReference": "A-1", "observations": []}
    call("POST", f"patient/{patient_id}/tests", test)
    call("GET", f"patient/{patient_id}")
    call("GET", f"patient/{patient_id}/tests")
    call("POST", "patient/search", {"id": patient_id})
    call("PUT", f"patient/{patient_id}", {**patient, "id": patient_id, "postCode": "3000"})
    call("DELETE", f"patient/{patient_id}")
    call("POST", f"patient/{patient_id}/restore", {"version": 1})


def main() -> None:
    """Checks the API at GATEWAY_URL."""
    patient = {"firstName": "Ada", "gender": "female", "dateOfBirth": "1985", "postCode": "2000"}
    patient_id = json.loads(call("POST", "patient", patient)[1])["id"]
    use(patient_id, patient)
    query, profiles, urls = "?limit=3", [], set()
    while query:
        media_type, text = call("GET", f"patient/{patient_id}/access-log{query}", accept=MEDIA_TYPE)
        expect(media_type.split(";")[0] == MEDIA_TYPE, "the media type", media_type)
        page = Bundle.model_validate_json(text)
        expect(page.type == "searchset", "the bundle's type", page.type)
        for entry in page.entry:
            # Parsed again as what it is, since a bundle takes any resource.
            profiles.append(check_profile(AuditEvent.model_validate(entry.resource.model_dump()), patient_id))
            urls.add(entry.fullUrl)
        links = {link.relation: link.url for link in page.link}
        expect(links["self"] == query, "the link to the page itself", links)
        query = links.get("next")
    expect(set(profiles) == set(PROFILES), "the profiles", profiles)
    expect(len(urls) == len(profiles), "every event has its own URL", urls)
    print(f"The access log in FHIR: {len(profiles)} events are valid and follow BALP.")


main()
