"""The operations of the Patient API: method and route template, as they appear in the statistics.

Templates, never paths: statistics and reports must not name patients.
"""

CREATE_PATIENT = "POST /patient"
LOAD_PATIENT = "GET /patient/{patientId}"
LOAD_PATIENT_HEAD = "HEAD /patient/{patientId}"
UPDATE_PATIENT = "PUT /patient/{patientId}"
DELETE_PATIENT = "DELETE /patient/{patientId}"
SEARCH_PATIENT = "POST /patient/search"
LOAD_PATIENT_HISTORY = "GET /patient/{patientId}/history"
LOAD_PATIENT_VERSION = "GET /patient/{patientId}/history/{version}"
RESTORE_PATIENT = "POST /patient/{patientId}/restore"
CREATE_TEST = "POST /patient/{patientId}/tests"
LOAD_TESTS = "GET /patient/{patientId}/tests"
LOAD_TESTS_HEAD = "HEAD /patient/{patientId}/tests"
LOAD_TEST = "GET /patient/{patientId}/tests/{testId}"
LOAD_TEST_HEAD = "HEAD /patient/{patientId}/tests/{testId}"
UPDATE_TEST = "PUT /patient/{patientId}/tests/{testId}"
DELETE_TEST = "DELETE /patient/{patientId}/tests/{testId}"
LOAD_TEST_HISTORY = "GET /patient/{patientId}/tests/{testId}/history"
LOAD_TEST_VERSION = "GET /patient/{patientId}/tests/{testId}/history/{version}"
RESTORE_TEST = "POST /patient/{patientId}/tests/{testId}/restore"
LOAD_ACCESS_LOG = "GET /patient/{patientId}/access-log"
SEARCH_AUDIT_RECORDS = "POST /audit/search"
LOAD_AUDIT_RECORD = "GET /audit/{auditRecordId}"
LOAD_RECONCILIATION = "GET /reconciliation"
HEALTH = "GET /health"
HEALTH_HEAD = "HEAD /health"

ALL = (
    CREATE_PATIENT,
    LOAD_PATIENT,
    LOAD_PATIENT_HEAD,
    UPDATE_PATIENT,
    DELETE_PATIENT,
    SEARCH_PATIENT,
    LOAD_PATIENT_HISTORY,
    LOAD_PATIENT_VERSION,
    RESTORE_PATIENT,
    CREATE_TEST,
    LOAD_TESTS,
    LOAD_TESTS_HEAD,
    LOAD_TEST,
    LOAD_TEST_HEAD,
    UPDATE_TEST,
    DELETE_TEST,
    LOAD_TEST_HISTORY,
    LOAD_TEST_VERSION,
    RESTORE_TEST,
    LOAD_ACCESS_LOG,
    SEARCH_AUDIT_RECORDS,
    LOAD_AUDIT_RECORD,
    LOAD_RECONCILIATION,
    HEALTH,
    HEALTH_HEAD,
)

REMEMBERED = (HEALTH, HEALTH_HEAD)
"""Both apps cache their health for some seconds, so these operations recover later than the others."""

REFUSED = " (refused)"
"""Marks requests that must be refused, so that quick refusals do not flatter the percentiles."""
