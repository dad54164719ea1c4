//! The keys of both hosts: who calls with each, and which functions it opens.

use stand_ins::functions_host::KeyRing;

use super::keys::{self, Keys};
use super::secrets::{GATEWAY, PATIENT_APP};

/// The gateway's key to the patient app.
pub(super) const GATEWAY_KEY: CallerKey = CallerKey {
    caller: GATEWAY,
    secret: "patient-host-key",
    opens: Opens::Host,
    value: |keys| &mut keys.patient_host,
};

/// The patient app's key for writing audit records.
pub(super) const WRITING_KEY: CallerKey = CallerKey {
    caller: PATIENT_APP,
    secret: "audit-writing-key",
    opens: Opens::Functions(&["CreateAuditRecord", "CreateAuditRecords", "Health"]),
    value: |keys| &mut keys.audit_writing,
};

/// The patient app's key for reading audit records.
pub(super) const READING_KEY: CallerKey = CallerKey {
    caller: PATIENT_APP,
    secret: "audit-reading-key",
    opens: Opens::Functions(&["SearchAuditRecords", "LoadAuditRecord"]),
    value: |keys| &mut keys.audit_reading,
};

/// A key with which one caller calls a host.
pub(super) struct CallerKey {
    /// The identity that reads the secret. The key has its name.
    pub(super) caller: &'static str,
    /// The name of the secret in the vault.
    pub(super) secret: &'static str,
    opens: Opens,
    /// The value among the stored keys.
    pub(super) value: fn(&mut Keys) -> &mut String,
}

/// The functions that a key opens.
enum Opens {
    /// All functions of the host: it is a host key.
    Host,
    /// These functions: each has it as a key of its own.
    Functions(&'static [&'static str]),
}

impl CallerKey {
    /// Makes the host accept the key by this name.
    pub(super) fn add(&self, ring: &KeyRing, name: &str, value: &str) {
        match self.opens {
            Opens::Host => ring.set_host_key(name, value),
            Opens::Functions(functions) => {
                functions.iter().for_each(|function| ring.set_function_key(function, name, value));
            }
        }
    }

    /// Makes the host refuse the key with this name.
    pub(super) fn remove(&self, ring: &KeyRing, name: &str) {
        match self.opens {
            Opens::Host => ring.remove_host_key(name),
            Opens::Functions(functions) => {
                functions.iter().for_each(|function| ring.remove_function_key(function, name));
            }
        }
    }

    /// The name of the accepted key, and that of its successor.
    pub(super) fn names(&self, ring: &KeyRing) -> (String, String) {
        let keys = ring.get();
        let is_first = match self.opens {
            Opens::Host => keys.host.iter().any(|(name, _)| name == self.caller),
            Opens::Functions(functions) => keys
                .functions
                .iter()
                .any(|key| key.name == self.caller && functions.contains(&key.function.as_str())),
        };
        let (first, second) = (self.caller.to_owned(), keys::other_name(self.caller));
        if is_first { (first, second) } else { (second, first) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn functions(key: &CallerKey) -> BTreeSet<String> {
        match key.opens {
            Opens::Host => BTreeSet::new(),
            Opens::Functions(functions) => functions.iter().copied().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn every_http_function_of_the_audit_api_is_opened_by_one_of_its_keys() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../audit-api/functions");
        let folders = fs::read_dir(folder).expect("it has functions").map(Result::unwrap);
        let http = folders.filter(|function| {
            let bindings = fs::read_to_string(function.path().join("function.json"));
            bindings.expect("it has bindings").contains("httpTrigger")
        });
        let http: BTreeSet<_> =
            http.map(|function| function.file_name().into_string().unwrap()).collect();
        let (writing, reading) = (functions(&WRITING_KEY), functions(&READING_KEY));

        assert_eq!(&writing | &reading, http);
        assert!(writing.is_disjoint(&reading));
    }
}
