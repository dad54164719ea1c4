//! The functions and the scope that each needs, for the tests of the app and of the gateway.

/// Method and path (`P` is a patient, `T` a test of the patient, `A` an audit record), scope, and the
/// type and operation in the record of a refusal. `Health` is the only function without a scope.
pub const FUNCTIONS: [(&str, &str, &str, &str, &str); 23] = [
    ("POST", "patient", "patient.write", "patient", "create"),
    ("GET", "patient/P", "patient.read", "patient", "read"),
    ("HEAD", "patient/P", "patient.read", "patient", "read"),
    ("PUT", "patient/P", "patient.write", "patient", "update"),
    ("DELETE", "patient/P", "patient.delete", "patient", "delete"),
    ("POST", "patient/search", "patient.search", "patient", "search"),
    ("GET", "patient/P/history", "history.read", "patient", "read"),
    ("GET", "patient/P/history/1", "history.read", "patient", "read"),
    ("POST", "patient/P/restore", "history.restore", "patient", "restore"),
    ("POST", "patient/P/tests", "test.write", "test", "create"),
    ("GET", "patient/P/tests", "test.read", "test", "read"),
    ("HEAD", "patient/P/tests", "test.read", "test", "read"),
    ("GET", "patient/P/tests/T", "test.read", "test", "read"),
    ("HEAD", "patient/P/tests/T", "test.read", "test", "read"),
    ("PUT", "patient/P/tests/T", "test.write", "test", "update"),
    ("DELETE", "patient/P/tests/T", "test.delete", "test", "delete"),
    ("GET", "patient/P/tests/T/history", "history.read", "test", "read"),
    ("GET", "patient/P/tests/T/history/1", "history.read", "test", "read"),
    ("POST", "patient/P/tests/T/restore", "history.restore", "test", "restore"),
    ("GET", "patient/P/access-log", "audit.access-log", "accessLog", "read"),
    ("POST", "audit/search", "audit.read", "auditRecord", "search"),
    ("GET", "audit/A", "audit.read", "auditRecord", "read"),
    ("GET", "reconciliation", "audit.read", "reconciliation", "read"),
];
