//! Serialised requests for each entry point of the system.

use std::net::SocketAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::payload;

/// The number of patients that share first and last name.
pub(crate) const PATIENTS_PER_NAME: usize = 4;

/// A text that each record in a response contains once, and one of each line of an access log.
const RECORD_MARK: &str = "lastUpdated";
const LINE_MARK: &str = "outcome";

/// Where requests enter the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryPoint {
    /// The handler itself, called as by the Functions host.
    Handler,
    /// The Functions host in front of the app.
    Host,
    /// The gateway in front of the host: the full path.
    Gateway,
}

/// The address of an entry point, and its key.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) entry_point: EntryPoint,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) function: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) patient_id: Option<String>,
    pub(crate) body: String,
    success: u16,
    /// A text in the response and the expected number of its occurrences, if known.
    finds: Option<(&'static str, usize)>,
}

impl EntryPoint {
    pub(crate) const ALL: [Self; 3] = [Self::Handler, Self::Host, Self::Gateway];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Host => "host",
            Self::Gateway => "gateway",
        }
    }
}

impl Request {
    /// A new patient with this post code; the other fields vary.
    pub(crate) fn create_patient(post_code: u32) -> Self {
        let number = fastrand::u32(..);
        let body = format!(
            r#"{{"firstName":"Ada {number}","lastName":"Moana","fullName":"Ada {number} Moana","#,
        ) + &format!(
            r#""gender":"female","dateOfBirth":"19{:02}-02-{:02}","postCode":"{post_code:04}","#,
            number % 100,
            number % 28 + 1,
        ) + &format!(
            r#""insuranceNumber":"NZ-{number}","preferredContactNumber":"+64 {number}"}}"#
        );
        Self::post_patient(body, 201)
    }

    /// A new patient with this body and expected status.
    pub(crate) fn post_patient(body: String, status: u16) -> Self {
        Self {
            function: "CreatePatient",
            method: "POST",
            path: "/patient".to_owned(),
            patient_id: None,
            body,
            success: status,
            finds: None,
        }
    }

    pub(crate) fn load_patient(id: &str) -> Self {
        Self {
            function: "LoadPatient",
            method: "GET",
            path: format!("/patient/{id}"),
            patient_id: Some(id.to_owned()),
            body: String::new(),
            success: 200,
            finds: None,
        }
    }

    /// A replacement of a patient, with new details.
    pub(crate) fn update_patient(id: &str, post_code: u32) -> Self {
        let Self { body, .. } = Self::create_patient(post_code);
        Self {
            function: "UpdatePatient",
            method: "PUT",
            path: format!("/patient/{id}"),
            patient_id: Some(id.to_owned()),
            body: format!(r#"{{"id":"{id}",{}"#, &body[1..]),
            success: 200,
            finds: None,
        }
    }

    /// Searches by post code, first page.
    pub(crate) fn search_patient(post_code: u32) -> Self {
        Self::search(&json!({ "postCode": format!("{post_code:04}") }))
    }

    /// Searches by name.
    pub(crate) fn search_by_name(first: &str, last: &str) -> Self {
        let request = Self::search(&json!({ "firstName": first, "lastName": last }));
        Self { finds: Some((RECORD_MARK, PATIENTS_PER_NAME)), ..request }
    }

    fn search(criteria: &Value) -> Self {
        Self {
            function: "SearchPatient",
            method: "POST",
            path: "/patient/search".to_owned(),
            patient_id: None,
            body: criteria.to_string(),
            success: 200,
            finds: None,
        }
    }

    pub(crate) fn create_test(patient_id: &str) -> Self {
        let observation = json!({
            "id": "1", "code": "718-7", "measurement": "13.4 g/dL", "interpretation": "normal",
            "status": "final", "issued": "2021-03-04T05:06:07Z"
        });
        let body = json!({
            "performer": "Laboratory", "orderReference": "order-1", "observations": [observation]
        });
        Self::post_test(patient_id, body.to_string(), 201)
    }

    /// A new test with this body and expected status.
    pub(crate) fn post_test(patient_id: &str, body: String, status: u16) -> Self {
        Self {
            function: "CreateTest",
            method: "POST",
            path: format!("/patient/{patient_id}/tests"),
            patient_id: Some(patient_id.to_owned()),
            body,
            success: status,
            finds: None,
        }
    }

    /// The first page of a patient's tests.
    pub(crate) fn load_tests(patient_id: &str) -> Self {
        Self {
            function: "LoadTest",
            method: "GET",
            path: format!("/patient/{patient_id}/tests"),
            patient_id: Some(patient_id.to_owned()),
            body: String::new(),
            success: 200,
            finds: None,
        }
    }

    /// The newest lines of a patient's access log, which has at least as many.
    pub(crate) fn load_access_log(patient_id: &str, lines: usize) -> Self {
        Self {
            function: "LoadAccessLog",
            method: "GET",
            path: format!("/patient/{patient_id}/access-log?limit={lines}"),
            patient_id: Some(patient_id.to_owned()),
            body: String::new(),
            success: 200,
            finds: Some((LINE_MARK, lines)),
        }
    }

    /// The request for the page of a `Link` that is a query.
    pub(crate) fn following(&self, link: &str) -> Self {
        Self { path: format!("{}{link}", self.path), ..self.clone() }
    }

    pub(crate) fn create_audit_record() -> Self {
        let body = json!({
            "sourceSystemName": "Bench",
            "resource": {"type": "patient", "id": Uuid::now_v7(), "operation": "create"}
        });
        Self {
            function: "CreateAuditRecord",
            method: "POST",
            path: "/auditrecord".to_owned(),
            patient_id: None,
            body: body.to_string(),
            success: 201,
            finds: None,
        }
    }

    /// Serialises the request for this entry point.
    pub(crate) fn to_bytes(&self, target: &Target) -> Vec<u8> {
        let key = &target.key;
        let (method, path, key, body) = match target.entry_point {
            EntryPoint::Handler => {
                let key = format!("X-Azure-Functions-InvocationId: {}", Uuid::new_v4());
                (
                    "POST",
                    format!("/{}", self.function),
                    key,
                    &*payload::for_request(self).to_string(),
                )
            }
            EntryPoint::Host => {
                let key = format!("x-functions-key: {key}");
                (self.method, format!("/api{}", self.path), key, &*self.body)
            }
            EntryPoint::Gateway => {
                let key = format!("Ocp-Apim-Subscription-Key: {key}");
                (self.method, self.path.clone(), key, &*self.body)
            }
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            target.address,
            body.len(),
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }

    /// Whether a response is the expected one.
    pub(crate) fn succeeded(&self, entry_point: EntryPoint, status: u16, body: &[u8]) -> bool {
        let found =
            |mark: &str| body.windows(mark.len()).filter(|text| *text == mark.as_bytes()).count();
        if self.finds.is_some_and(|(mark, wanted)| found(mark) != wanted) {
            return false;
        }
        match entry_point {
            EntryPoint::Handler => {
                // The app's JSON is a string in the envelope, with escaped quotes.
                let wanted = format!(r#""statusCode":{},"#, self.success);
                let mut texts = body.windows(wanted.len());
                status == 200 && texts.any(|text| text == wanted.as_bytes())
            }
            EntryPoint::Host | EntryPoint::Gateway => status == self.success,
        }
    }
}
