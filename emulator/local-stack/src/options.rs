//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use emulator::local_stack::{LocalStackOptions, Rotation};

use crate::bench::BenchOptions;

pub(crate) const USAGE: &str = "\
usage: emulator server [--func] [--state FOLDER]
                       [--gateway-port PORT] [--patient-port PORT] [--audit-port PORT]
       emulator rotate-key [--state FOLDER]
                           patient-host-key|audit-host-key|patient-database|audit-database
       emulator package APP HOST-JSON-TEMPLATE EXECUTABLE DESTINATION
       emulator zip FOLDER ZIP
       emulator bench [--quick] [--against OLDER-FUNCTIONS] FUNCTIONS
       emulator policies

server      runs the packaged apps of target/functions with a database and the gateway until Ctrl-C;
            --func runs them under Azure Functions Core Tools, which check no function keys;
            data and keys are kept in target/server, or in the folder that --state names;
            port 0 is any that is free
rotate-key  replaces a key or a database user of the running server, without a pause; --state names
            the folder of a server that was started with one
package     lays out the folder that the Functions host runs
zip         packs such a folder: the same content, the same bytes
bench       measures the packaged apps of this folder; --quick takes seconds instead of minutes;
            --against compares them with those of another folder, in turn
policies    prints the gateway's policies as they are rendered here, for the tests of terraform/";

const FUNCTIONS: &str = "target/functions";
const STATE: &str = "target/server";

/// Short, so that a rotation waits only for a moment; on Azure it is a quarter of an hour.
const SECRET_REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// What there is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Package { app: PathBuf, template: PathBuf, executable: PathBuf, destination: PathBuf },
    Zip { folder: PathBuf, zip: PathBuf },
    Server(LocalStackOptions),
    RotateKey { state: PathBuf, rotation: Rotation },
    Bench(BenchOptions),
    Policies,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let arguments: Vec<OsString> = arguments.collect();
    let (command, rest) = arguments.split_first().ok_or("a command is missing")?;
    match command.to_str() {
        Some("server") => parse_server(rest).map(Command::Server),
        Some("rotate-key") => parse_rotate_key(rest),
        Some("package") => parse_package(rest),
        Some("zip") => parse_zip(rest),
        Some("bench") => parse_bench(rest).map(Command::Bench),
        Some("policies") if rest.is_empty() => Ok(Command::Policies),
        Some("policies") => Err(format!("policies takes no arguments, not {}", rest.len())),
        Some("help" | "--help" | "-h") => Ok(Command::Help),
        Some(_) | None => Err(format!("unknown command {}", command.display())),
    }
}

fn parse_rotate_key(arguments: &[OsString]) -> Result<Command, String> {
    let names = || Rotation::ALL.map(|rotation| rotation.to_string()).join(", ");
    let (mut state, mut wanted) = (PathBuf::from(STATE), Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--state") => state = folder(&mut arguments)?,
            Some(_) | None => wanted.push(argument),
        }
    }
    match wanted[..] {
        [name] => name
            .to_str()
            .and_then(Rotation::parse)
            .map(|rotation| Command::RotateKey { state, rotation })
            .ok_or_else(|| format!("there is no {}; there are {}", name.display(), names())),
        _ => Err(format!("rotate-key takes one of {}", names())),
    }
}

/// What follows `--state`.
fn folder<'a>(arguments: &mut impl Iterator<Item = &'a OsString>) -> Result<PathBuf, String> {
    arguments.next().map(PathBuf::from).ok_or_else(|| "--state needs a folder".to_owned())
}

fn parse_package(arguments: &[OsString]) -> Result<Command, String> {
    let [app, template, executable, destination] = arguments else {
        return Err(format!("package takes 4 arguments, not {}", arguments.len()));
    };
    Ok(Command::Package {
        app: app.into(),
        template: template.into(),
        executable: executable.into(),
        destination: destination.into(),
    })
}

fn parse_zip(arguments: &[OsString]) -> Result<Command, String> {
    match arguments {
        [folder, zip] => Ok(Command::Zip { folder: folder.into(), zip: zip.into() }),
        _ => Err(format!("zip takes 2 arguments, not {}", arguments.len())),
    }
}

fn parse_bench(arguments: &[OsString]) -> Result<BenchOptions, String> {
    let (mut quick, mut against, mut folders) = (false, None, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--quick") => quick = true,
            Some("--against") => {
                against = Some(arguments.next().ok_or("--against needs a folder")?.into());
            }
            Some(_) | None => folders.push(argument),
        }
    }
    match folders[..] {
        [functions] => Ok(BenchOptions { functions: functions.into(), against, quick }),
        _ => Err(format!("bench takes 1 folder, not {}", folders.len())),
    }
}

fn parse_server(arguments: &[OsString]) -> Result<LocalStackOptions, String> {
    let mut options = LocalStackOptions {
        functions: FUNCTIONS.into(),
        state: STATE.into(),
        connection_string: emulator::mongo::given_connection_string(),
        gateway_port: Some(8080),
        patient_port: Some(7071),
        audit_port: Some(7072),
        rate_limit_per_minute: None,
        quota_per_day: None,
        core_tools: false,
        secret_refresh_interval: SECRET_REFRESH_INTERVAL,
        log_filter: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let option = argument.display();
        let mut port = || {
            let port = arguments.next().and_then(|port| port.to_str()?.parse().ok());
            port.map(Some).ok_or_else(|| format!("{option} needs a port number"))
        };
        match argument.to_str() {
            Some("--func") => options.core_tools = true,
            Some("--state") => options.state = folder(&mut arguments)?,
            Some("--gateway-port") => options.gateway_port = port()?,
            Some("--patient-port") => options.patient_port = port()?,
            Some("--audit-port") => options.audit_port = port()?,
            Some(_) | None => return Err(format!("unknown option {}", argument.display())),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use emulator::local_stack::Rotation;

    use super::{Command, parse};

    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(Into::into))
    }

    #[test]
    fn a_server_has_ports_of_its_own_unless_others_are_given() {
        let arguments = ["server", "--patient-port", "9000", "--func", "--state", "elsewhere"];
        let Ok(Command::Server(options)) = parsed(&arguments) else {
            panic!("it is a server");
        };

        assert_eq!(options.gateway_port, Some(8080));
        assert_eq!(options.patient_port, Some(9000));
        assert_eq!(options.audit_port, Some(7072));
        assert!(options.core_tools);
        assert_eq!(options.state, Path::new("elsewhere"));
    }

    #[test]
    fn a_key_is_rotated_where_the_server_keeps_its_state() {
        for (arguments, folder) in [
            (&["rotate-key", "audit-database"][..], "target/server"),
            (&["rotate-key", "--state", "elsewhere", "audit-database"], "elsewhere"),
            (&["rotate-key", "audit-database", "--state", "elsewhere"], "elsewhere"),
        ] {
            let Ok(Command::RotateKey { state, rotation }) = parsed(arguments) else {
                panic!("it is a rotation");
            };
            assert_eq!((state.as_path(), rotation), (Path::new(folder), Rotation::AuditDatabase));
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, mistake) in [
            (&[][..], "a command is missing"),
            (&["serve"], "unknown command serve"),
            (
                &["rotate-key"],
                "rotate-key takes one of patient-host-key, audit-host-key, patient-database, audit-database",
            ),
            (
                &["rotate-key", "all"],
                "there is no all; there are patient-host-key, audit-host-key, patient-database, audit-database",
            ),
            (&["rotate-key", "audit-database", "--state"], "--state needs a folder"),
            (&["server", "--state"], "--state needs a folder"),
            (&["server", "--port"], "unknown option --port"),
            (&["server", "--gateway-port", "x"], "--gateway-port needs a port number"),
            (&["server", "--audit-port"], "--audit-port needs a port number"),
            (&["package", "app"], "package takes 4 arguments, not 1"),
            (&["zip", "folder"], "zip takes 2 arguments, not 1"),
            (&["bench", "--quick"], "bench takes 1 folder, not 0"),
            (&["bench", "new", "--against"], "--against needs a folder"),
            (&["policies", "all"], "policies takes no arguments, not 1"),
        ] {
            assert_eq!(parsed(arguments).expect_err("a mistake"), mistake);
        }
    }
}
