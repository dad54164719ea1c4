//! Bodies of nearly 1 MiB: a valid one, and many with one error each.

use serde_json::{Value, json};

use super::request::Request;

/// The largest body that the apps accept.
const BYTES_MAX: usize = 1 << 20;

/// Each takes at most eleven bytes, so hardly more fit.
const UNKNOWN_MEMBERS: usize = 90_000;

const OBSERVATIONS_MAX: usize = 1000;

/// A request that must be refused, and its error.
pub(crate) struct RefusedRequest {
    pub(crate) error: &'static str,
    pub(crate) request: Request,
}

/// A new patient with unknown members only.
pub(crate) fn unknown_members() -> Request {
    Request::post_patient(object(UNKNOWN_MEMBERS, |number| format!(r#""k{number}":1"#)), 400)
}

/// The largest valid test.
pub(crate) fn largest_test(patient_id: &str) -> Request {
    Request::post_test(patient_id, valid_test(BYTES_MAX), 201)
}

/// A test body of this size with the maximum number of observations.
pub(crate) fn valid_test(bytes: usize) -> String {
    let observation = |measurement: &str| {
        json!({
            "id": "1", "code": "718-7", "measurement": measurement, "interpretation": "normal",
            "status": "final", "issued": "2021-03-04T05:06:07Z"
        })
    };
    let empty = observation("").to_string().len() + ",".len();
    let head = test_body(Vec::new()).len();
    let measurement = "m".repeat((bytes - head) / OBSERVATIONS_MAX - empty);
    test_body(vec![observation(&measurement); OBSERVATIONS_MAX])
}

pub(crate) fn refused(patient_id: &str) -> Vec<RefusedRequest> {
    let valid = valid_test(BYTES_MAX - 64);
    let (all_but_end, _) = valid.rsplit_once('}').unwrap_or_default();
    let patient = |error, body| RefusedRequest { error, request: Request::post_patient(body, 400) };
    let test =
        |error, body| RefusedRequest { error, request: Request::post_test(patient_id, body, 400) };
    vec![
        RefusedRequest { error: "90,000 unknown members", request: unknown_members() },
        patient("90,000 unknown objects", object(UNKNOWN_MEMBERS, |n| format!(r#""{n}":{{}}"#))),
        patient("the same name 90,000 times", object(UNKNOWN_MEMBERS, |_| r#""k":1"#.to_owned())),
        patient("one name of 1 MiB", filled(r#"{""#, "n", r#"":1}"#)),
        patient("one text of 1 MiB", filled(r#"{"firstName":""#, "t", r#""}"#)),
        patient("a text of escapes", filled(r#"{"firstName":""#, r"\u00e9", r#""}"#)),
        patient("a text of escaped quotes", filled(r#"{"firstName":""#, r#"\""#, r#""}"#)),
        patient("a text of combining marks", filled(r#"{"firstName":""#, "e\u{301}", r#""}"#)),
        patient("one number of 1 MiB", filled(r#"{"firstName":"#, "1", "}")),
        patient("nothing but blanks", filled("{", " ", "}")),
        patient("nesting at any depth", filled(r#"{"firstName":"#, "[", "}")),
        patient("500,000 numbers", filled("[0", ",1", "]")),
        test("350,000 empty arrays", filled(r#"{"observations":[[]"#, ",[]", "]}")),
        test("130,000 small objects", filled(r#"{"observations":[{}"#, r#",{"a":1}"#, "]}")),
        test(
            "1,000 observations, all wrong",
            test_body(vec![invalid_observation(); OBSERVATIONS_MAX]),
        ),
        test(
            "1,001 observations, all wrong",
            test_body(vec![invalid_observation(); OBSERVATIONS_MAX + 1]),
        ),
        test("U+FFFD at the end", all_but_end.replacen("Laboratory", "\u{fffd}", 1) + "}"),
        test("a name twice, at the end", format!(r#"{all_but_end},"performer":"Laboratory"}}"#)),
        test("no JSON at the end", all_but_end.to_owned()),
    ]
}

fn test_body(observations: Vec<Value>) -> String {
    let test = json!({
        "performer": "Laboratory", "orderReference": "order-1", "observations": observations
    });
    test.to_string()
}

/// An observation of 1 kB whose fields are all invalid.
fn invalid_observation() -> Value {
    let too_long = "x".repeat(300);
    json!({
        "id": too_long, "code": too_long, "measurement": 1, "interpretation": "", "issued": "today",
        "status": too_long
    })
}

fn object(members: usize, member: impl Fn(usize) -> String) -> String {
    let members: Vec<_> = (0..members).map(member).collect();
    format!("{{{}}}", members.join(","))
}

/// Repeats a text as often as it fits.
fn filled(begin: &str, repeated: &str, end: &str) -> String {
    let times = (BYTES_MAX - begin.len() - end.len()) / repeated.len();
    format!("{begin}{}{end}", repeated.repeat(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_within_the_limit() {
        for RefusedRequest { error, request } in refused("an-id") {
            let bytes = request.body.len();
            assert!((BYTES_MAX / 2..=BYTES_MAX).contains(&bytes), "{error}: {bytes}");
        }
        let bytes = largest_test("an-id").body.len();
        assert!((BYTES_MAX - 2000..=BYTES_MAX).contains(&bytes), "{bytes}");
    }
}
