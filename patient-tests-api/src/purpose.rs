//! The purpose for which a client makes a request (`X-Purpose-Of-Use`).

use shared::http::Request;
use shared::telemetry::metrics::EventCounter;
use shared::{Error, Result};

use crate::settings::PurposeOfUse;

/// Emergency treatment (HL7 v3 value set `PurposeOfUse`).
const EMERGENCY: &str = "ETREAT";

/// Counts the requests in emergencies, which somebody reviews.
static EMERGENCIES: EventCounter = EventCounter::new("purpose.emergency");

/// Checks that there is a purpose if there has to be one, and counts emergencies.
///
/// # Errors
/// [`Error::InvalidRequest`] if it is missing.
pub(crate) fn check(purpose_of_use: PurposeOfUse, request: &Request) -> Result<()> {
    match request.purpose() {
        None if purpose_of_use == PurposeOfUse::Required => {
            Err(Error::InvalidRequest("The header X-Purpose-Of-Use is missing."))
        }
        Some(EMERGENCY) => {
            EMERGENCIES.add(1);
            Ok(())
        }
        Some(_) | None => Ok(()),
    }
}
