//! Every function with the key of every product, through the deployed policies.

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::issuer::{requirement, signing_key, token};
use crate::scoped_functions::FUNCTIONS;
use crate::stack::{Stack, package_apps, patient};

/// The products whose calls reach the app, each with its name in the register and its scopes.
const PRODUCTS: &[(&str, &str, &[&str])] = &[
    (
        "patient-records",
        "First caller",
        &[
            "patient.read",
            "patient.write",
            "patient.delete",
            "patient.search",
            "test.read",
            "test.write",
            "test.delete",
        ],
    ),
    ("laboratory", "First laboratory", &["test.write", "test.read"]),
    (
        "privacy-office",
        "Privacy office",
        &["audit.read", "audit.access-log", "audit.persons", "history.read", "history.restore"],
    ),
];

/// A system with a patient and a test of the patient.
struct Stocked {
    stack: Stack,
    patient_id: String,
    test_id: String,
    audit_record_id: String,
}

impl Stocked {
    async fn new(stack: Stack) -> Self {
        let mut stocked = Self::with_id(stack, "");
        stocked.restock().await;
        stocked
    }

    /// A system without data, as if everything had this id.
    fn with_id(stack: Stack, id: &str) -> Self {
        let [patient_id, test_id, audit_record_id] = [id; 3].map(str::to_owned);
        Self { stack, patient_id, test_id, audit_record_id }
    }

    /// Replaces the patient and the test.
    async fn restock(&mut self) {
        let id = |created: Value| created["id"].as_str().expect("it was created").to_owned();
        let send = async |path: &str, body: &Value| {
            id(self.stack.send(Method::POST, path, body, 201).await)
        };
        let patient_id = send("patient", &patient()).await;
        let test_id = send(&format!("patient/{patient_id}/tests"), &medical_test()).await;
        let patients = self.stack.patients().await;
        let stored = patients.find_one(doc! { "_id": &patient_id }).await.expect("a reply");
        self.audit_record_id = text(&stored.expect("it is stored"), "_auditId").to_owned();
        (self.patient_id, self.test_id) = (patient_id, test_id);
    }

    /// A valid request for a function with the key of a product.
    fn request(&self, product: &str, method: &str, path: &str) -> RequestBuilder {
        let body = match (method, path) {
            ("POST", path) if path.ends_with("restore") => Some(json!({"version": 1})),
            ("POST", "audit/search") => Some(json!({"patientId": self.patient_id})),
            ("POST", "patient/search") => Some(json!({})),
            ("POST", "patient") => Some(patient()),
            ("POST", path) if path.ends_with("tests") => Some(medical_test()),
            ("PUT", path) if path.ends_with('T') => Some(with_id(medical_test(), &self.test_id)),
            ("PUT", _) => Some(with_id(patient(), &self.patient_id)),
            _ => None,
        };
        let path = path.replace("/P", &format!("/{}", self.patient_id));
        let path = path.replace("/T", &format!("/{}", self.test_id));
        let path = path.replace("/A", &format!("/{}", self.audit_record_id));
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.stack.call_with(self.stack.local.key_of(product), method, &path);
        body.into_iter().fold(request, |request, body| request.body(body.to_string()))
    }

    /// The number of patients and tests, and everything about the ones in stock.
    async fn data(&mut self) -> Vec<Document> {
        let mut data = Vec::new();
        for name in ["patients", "tests", "patientVersions", "testVersions"] {
            let collection = self.stack.collection("patient-tests", name).await;
            let count = collection.count_documents(doc! {}).await.expect("a number");
            data.push(doc! { name: i64::try_from(count).expect("few") });
            data.extend(all(&collection, doc! { "_shardKey": &self.patient_id }).await);
        }
        data
    }

    async fn records(&mut self) -> Vec<Document> {
        let audits = self.stack.audits().await;
        all(&audits, doc! {}).await
    }
}

async fn all(collection: &Collection<Document>, filter: Document) -> Vec<Document> {
    let found = collection.find(filter).sort(doc! { "createdDate": 1, "_id": 1 }).await;
    found.expect("the database replies").try_collect().await.expect("the database replies")
}

fn medical_test() -> Value {
    json!({"performer": "Laboratory 4", "orderReference": "O-42", "observations": []})
}

fn with_id(mut body: Value, id: &str) -> Value {
    body["id"] = json!(id);
    body
}

/// The resource in the record of a refusal.
fn refused_resource(stocked: &Stocked, path: &str, kind: &str, operation: &str) -> Document {
    let mut resource = doc! { "type": kind, "operation": operation };
    if path.contains("/T") {
        resource.insert("id", &stocked.test_id);
    } else if path.contains("/A") {
        resource.insert("id", &stocked.audit_record_id);
    } else if path.contains("/P") && kind == "patient" {
        resource.insert("id", &stocked.patient_id);
    }
    if path.contains("/P") {
        resource.insert("patientId", &stocked.patient_id);
    }
    resource
}

#[tokio::test]
async fn every_product_can_call_the_functions_of_its_scopes_and_no_other() {
    let mut stocked = Stocked::new(Stack::start().await).await;
    for (product, organisation, scopes) in PRODUCTS {
        for (method, path, scope, kind, operation) in &FUNCTIONS {
            let what = format!("{method} {path} with the key of {product}");
            if scopes.contains(scope) {
                stocked.restock().await;
                let response = stocked.request(product, method, path).send().await;
                let status = response.expect("the gateway responds").status().as_u16();
                // There is no report of the reconciliation yet.
                let is_done = status < 300 || (status == 404 && *path == "reconciliation");
                assert!(is_done, "{what}: {status}");
                continue;
            }
            let (data, records) = (stocked.data().await, stocked.records().await);

            let response = stocked.request(product, method, path).send().await;

            let response = response.expect("the gateway responds");
            assert_eq!(response.status().as_u16(), 403, "{what}");
            let body = response.text().await.expect("a complete response");
            assert!(!body.contains("Ada") && !body.contains("Laboratory 4"), "{what}: {body}");
            if *method != "HEAD" {
                let problem: Value = serde_json::from_str(&body).expect("a problem");
                assert_eq!(problem["type"], "urn:problem:patient-records:forbidden", "{what}");
            }
            assert_eq!(stocked.data().await, data, "{what}");
            let mut new = stocked.records().await;
            new.retain(|record| !records.contains(record));
            let [new] = &new[..] else { panic!("{what} has one record: {new:?}") };
            assert_eq!(text(new, "outcome"), "refused", "{what}");
            let resource = refused_resource(&stocked, path, kind, operation);
            let recorded = new.get_document("resource").expect("a resource");
            assert_eq!(sorted(recorded), sorted(&resource), "{what}");
            let actor = new.get_document("actor").expect("an actor");
            assert_eq!(text(actor, "organisation"), *organisation, "{what}");
        }
    }
}

fn text<'d>(document: &'d Document, name: &str) -> &'d str {
    document.get_str(name).expect(name)
}

/// The members in the order of their names.
fn sorted(document: &Document) -> Vec<(String, String)> {
    let mut members: Vec<_> =
        document.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    members.sort();
    members
}

#[tokio::test]
async fn every_product_may_ask_for_health_and_monitoring_for_nothing_else() {
    let mut stocked = Stocked::new(Stack::start().await).await;
    let products = PRODUCTS.iter().map(|(product, ..)| *product).chain(["monitoring", "developer"]);
    for product in products {
        for method in ["GET", "HEAD"] {
            let response = stocked.request(product, method, "health").send().await;
            assert_eq!(response.unwrap().status().as_u16(), 200, "{method} by {product}");
        }
    }
    let (data, records) = (stocked.data().await, stocked.records().await);

    for (method, path, ..) in &FUNCTIONS {
        let response = stocked.request("monitoring", method, path).send().await.unwrap();

        assert_eq!(response.status().as_u16(), 403, "{method} {path}");
    }

    assert_eq!(stocked.data().await, data);
    assert_eq!(stocked.records().await, records, "the gateway itself refuses");
}

/// A token with these roles.
fn authorization(roles: &[&str]) -> String {
    format!("Bearer {}", token(json!({}), json!({ "roles": roles })))
}

#[tokio::test]
async fn a_token_limits_the_scopes_of_the_product_to_its_roles() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let functions = folder.path().join("functions");
    package_apps(&functions);
    let stack = Stack::start_with(&functions, folder.path(), |options| {
        options.tokens = Some((requirement(), vec![signing_key()]));
    })
    .await;
    // Whatever a request does to them, it is not 403.
    let mut stocked = Stocked::with_id(stack, "0190a6b2-1111-7abc-8def-0123456789ab");
    let every: Vec<_> = FUNCTIONS.iter().map(|(_, _, scope, ..)| *scope).collect();
    for (product, _, scopes) in PRODUCTS {
        for (method, path, scope, ..) in &FUNCTIONS {
            let others: Vec<_> = every.iter().copied().filter(|other| other != scope).collect();
            for (roles, has_role) in [(&[*scope][..], true), (&others, false), (&[], false)] {
                let request = stocked.request(product, method, path);
                let request = request.header("X-Caller-Roles", *scope);

                let response = request.header("Authorization", authorization(roles)).send().await;

                let is_refused = response.expect("the gateway responds").status().as_u16() == 403;
                let is_allowed = scopes.contains(scope) && has_role;
                assert_eq!(is_refused, !is_allowed, "{method} {path} by {product} as {roles:?}");
            }
        }
    }
    let records = stocked.records().await;
    let refused = records.iter().find(|record| text(record, "outcome") == "refused");
    let actor = refused.expect("a refusal").get_document("actor").expect("an actor");
    assert_eq!(text(actor, "userId"), "nurse-1");

    // Monitoring has no token.
    let health = stocked.request("monitoring", "GET", "health").send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    let keyless = stocked.request("patient-records", "GET", "patient/P").send().await.unwrap();
    assert_eq!(keyless.status().as_u16(), 401);
}

#[test]
fn the_table_has_every_operation_of_the_api() {
    let document = include_str!("../../../../patient-tests-api/openapi.json");
    let document: Value = serde_json::from_str(document).expect("it is JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{patientId}", "P").replace("{testId}", "T");
        let path = path.replace("{auditRecordId}", "A").replace("{version}", "1");
        let path = path.trim_start_matches('/').to_owned();
        let methods = methods.as_object().expect("methods").keys();
        operations.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
    }
    operations.retain(|(_, path)| path != "health");
    operations.sort();

    let mut table: Vec<_> =
        FUNCTIONS.iter().map(|(method, path, ..)| ((*method).into(), (*path).into())).collect();
    table.sort();

    assert_eq!(table, operations);
}
