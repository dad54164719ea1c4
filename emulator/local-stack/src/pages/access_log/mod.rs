//! The page `/access-log`: who saw or changed a patient, in the words that the patient would be told.

use hyper::http::request::Parts;

use super::page::{Files, HttpResponse};

/// The path of the page.
pub(super) const PATH: &str = "/access-log";

const FILES: Files = Files {
    path: PATH,
    html: include_str!("page.html"),
    css: include_str!("page.css"),
    script: include_str!("page.js"),
};

/// Serves the page and its parts.
pub(super) fn respond(parts: &Parts) -> HttpResponse {
    FILES.respond(parts, |_| None)
}
