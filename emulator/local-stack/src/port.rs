//! Checks ports before anything is started.

use stand_ins::process::port;

use super::{LocalStackError, LocalStackOptions};

/// The ports of the gateway and of both hosts.
pub(super) struct Ports {
    pub(super) gateway: u16,
    pub(super) patient: u16,
    pub(super) audit: u16,
}

impl Ports {
    /// Checks the wanted ports, and chooses free ones for the others.
    pub(super) fn choose(options: &LocalStackOptions) -> Result<Self, LocalStackError> {
        Ok(Self {
            gateway: free("gateway", options.gateway_port, "--gateway-port")?,
            patient: free("patient host", options.patient_port, "--patient-port")?,
            audit: free("audit host", options.audit_port, "--audit-port")?,
        })
    }
}

/// The wanted port, if it is free; without one, or with 0, any free port.
fn free(
    part: &'static str,
    wanted: Option<u16>,
    option: &'static str,
) -> Result<u16, LocalStackError> {
    match wanted.filter(|port| *port != 0) {
        Some(port) if port::is_free(port) => Ok(port),
        Some(port) => Err(LocalStackError::PortTaken { part, port, option }),
        None => port::free().map_err(LocalStackError::NoPort),
    }
}
