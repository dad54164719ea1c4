//! Requests as they are on the wire, at each of the doors into the system.

use std::net::SocketAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::payload;

/// How many patients share first and last name where they are searched by both.
pub(crate) const PATIENTS_PER_NAME: usize = 4;

/// What each record in a response has once.
const RECORD_MARK: &[u8] = b"lastUpdated";

/// Where requests enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The handler itself, asked as the Functions host asks it.
    Handler,
    /// The Functions host in front of the app.
    Host,
    /// The gateway in front of the host: the full path of a request.
    Gateway,
}

/// Where a door is, and what opens it.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) door: Door,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) function: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) patient_id: Option<String>,
    pub(crate) body: String,
    success: u16,
    /// How many records must be in the response, if that is known.
    finds: Option<usize>,
}

impl Door {
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
    /// A new patient of this post code; the others about them differ from patient to patient.
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

    /// A new patient with this body, which is answered with this status.
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

    /// The first page of everyone with this post code.
    pub(crate) fn search_patient(post_code: u32) -> Self {
        Self::search(&json!({ "postCode": format!("{post_code:04}") }))
    }

    /// Everyone of this name.
    pub(crate) fn search_by_name(first: &str, last: &str) -> Self {
        let request = Self::search(&json!({ "firstName": first, "lastName": last }));
        Self { finds: Some(PATIENTS_PER_NAME), ..request }
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

    /// A new test with this body, which is answered with this status.
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

    /// The page that a `Link` to nothing but a query leads to.
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

    /// Head and body for this door.
    pub(crate) fn on_the_wire(&self, entrance: &Entrance) -> Vec<u8> {
        let key = &entrance.key;
        let (method, path, key, body) = match entrance.door {
            Door::Handler => {
                let key = format!("X-Azure-Functions-InvocationId: {}", Uuid::new_v4());
                ("POST", format!("/{}", self.function), key, &*payload::of(self).to_string())
            }
            Door::Host => {
                let key = format!("x-functions-key: {key}");
                (self.method, format!("/api{}", self.path), key, &*self.body)
            }
            Door::Gateway => {
                let key = format!("Ocp-Apim-Subscription-Key: {key}");
                (self.method, self.path.clone(), key, &*self.body)
            }
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            entrance.address,
            body.len(),
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }

    /// Whether this response from that door is a success.
    pub(crate) fn succeeded(&self, door: Door, status: u16, body: &[u8]) -> bool {
        let found = || body.windows(RECORD_MARK.len()).filter(|text| *text == RECORD_MARK).count();
        if self.finds.is_some_and(|wanted| found() != wanted) {
            return false;
        }
        match door {
            Door::Handler => {
                // The patient's own JSON is a text in it, with its quotes escaped.
                let wanted = format!(r#""statusCode":{},"#, self.success);
                let mut texts = body.windows(wanted.len());
                status == 200 && texts.any(|text| text == wanted.as_bytes())
            }
            Door::Host | Door::Gateway => status == self.success,
        }
    }
}
