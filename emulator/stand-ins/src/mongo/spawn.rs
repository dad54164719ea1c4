//! Starts the mongod process on a port.

use std::fs::File;
use std::process::Command;

use super::data_folder::DataFolder;
use super::find;
use super::{MongodError, MongodOptions};
use crate::process::Watched;
use crate::process::port;

pub(super) const REPLICA_SET: &str = "rs0";

/// Starts the process without waiting until it is ready.
pub(super) fn spawn(
    data: &DataFolder,
    port: u16,
    options: &MongodOptions,
) -> Result<Watched, MongodError> {
    let executable = find::mongod().ok_or(MongodError::NotFound)?;
    let member_key = match options {
        MongodOptions { replica_set: true, administrator: Some(_), .. } => Some(data.member_key()?),
        _ => None,
    };
    data.remove_old_log()?;
    let console = File::create(data.console())?;
    let errors = console.try_clone()?;
    let configure = |command: &mut Command| {
        command.arg("--dbpath").arg(data.path());
        command.arg("--logpath").arg(data.log());
        command.args(["--quiet", "--nounixsocket", "--bind_ip", "127.0.0.1"]);
        command.args(["--port", &port.to_string()]);
        let cache = options.cache_gib.map_or_else(|| "0.25".to_owned(), |gib| gib.to_string());
        command.args(["--wiredTigerCacheSizeGB", &cache]);
        // Saves 300 MB of preallocated journal at each start.
        command.args(["--wiredTigerEngineConfigString", "log=(prealloc=false)"]);
        command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        if options.test_commands {
            command.args(["--setParameter", "enableTestCommands=1"]);
        }
        if options.replica_set {
            command.args(["--replSet", REPLICA_SET]);
        }
        if options.administrator.is_some() {
            command.arg("--auth");
        }
        if let Some(key) = &member_key {
            command.arg("--keyFile").arg(key);
        }
        command.stdout(console).stderr(errors);
    };
    Ok(Watched::start(&executable, configure, data.temporary())?)
}

/// The wanted port if it is free; without one, any free port.
pub(super) fn usable_port(wanted: Option<u16>) -> Result<u16, MongodError> {
    match wanted {
        Some(port) if port::is_free(port) => Ok(port),
        Some(port) => Err(MongodError::PortTaken(port)),
        None => Ok(port::free()?),
    }
}
