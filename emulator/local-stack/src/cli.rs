//! The command line of `local-stack`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use local_stack::{LocalStackOptions, Rotation};
use stand_ins::mongo;

/// Short, so that rotations are quick; on Azure it is a quarter of an hour.
const SECRET_REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// Not MongoDB's default 27017, which may be in use.
const MONGOD_PORT: u16 = 27117;

/// Runs the whole system on this machine: MongoDB, both apps behind their hosts, and the gateway.
#[derive(Debug, Parser)]
#[command(name = "local-stack")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the system until Ctrl-C
    Server(ServerArgs),
    /// Replaces a secret of a running system without a pause
    RotateKey {
        /// The secret to replace
        #[arg(value_parser = rotations())]
        secret: Rotation,
        #[command(flatten)]
        state: StateArgs,
    },
    /// Lays out the folder that the Functions host runs
    Package {
        /// The app's crate with its functions
        app: PathBuf,
        /// The template of host.json
        template: PathBuf,
        /// The app's executable
        executable: PathBuf,
        /// The folder to make
        destination: PathBuf,
    },
    /// Packs such a folder for a deployment
    Zip {
        /// The folder
        folder: PathBuf,
        /// The file to make
        zip: PathBuf,
    },
    /// Prints the gateway's policies as they are rendered here, for the tests of terraform/
    Policies,
}

#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Where the server keeps data, keys and its socket
    #[arg(long, value_name = "FOLDER", default_value = "target/server")]
    pub(crate) state: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Where both apps are packaged
    #[arg(long, value_name = "FOLDER", default_value = "target/functions")]
    functions: PathBuf,
    /// Runs the apps under Azure Functions Core Tools, which check no keys
    #[arg(long)]
    func: bool,
    /// Lets load tests break things over the socket
    #[arg(long)]
    faults: bool,
    /// The gateway's port; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    gateway_port: u16,
    /// The port of the patient app's host; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 7071)]
    patient_port: u16,
    /// The port of the audit app's host; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 7072)]
    audit_port: u16,
}

impl From<ServerArgs> for LocalStackOptions {
    /// Uses the database of `MONGO_CONNECTION_STRING`, if that is set.
    fn from(args: ServerArgs) -> Self {
        Self {
            functions: args.functions,
            state: args.state.state,
            connection_string: mongo::given_connection_string(),
            gateway_port: Some(args.gateway_port),
            patient_port: Some(args.patient_port),
            audit_port: Some(args.audit_port),
            mongod_port: Some(MONGOD_PORT),
            rate_limit_per_minute: None,
            quota_per_day: None,
            tokens: None,
            core_tools: args.func,
            faults: args.faults,
            secret_refresh_interval: SECRET_REFRESH_INTERVAL,
            log_filter: None,
        }
    }
}

fn rotations() -> impl TypedValueParser<Value = Rotation> {
    let names = PossibleValuesParser::new(Rotation::ALL.map(Rotation::name));
    names.map(|name| Rotation::parse(&name).expect("the names are those of rotations"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, clap::Error> {
        Cli::try_parse_from([&["local-stack"], arguments].concat()).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_server_has_default_ports() {
        let arguments = ["server", "--patient-port", "9000", "--func", "--state", "elsewhere"];
        let Ok(Command::Server(args)) = parsed(&arguments) else {
            panic!("the command is `server`");
        };
        let options = LocalStackOptions::from(args);

        assert_eq!(options.gateway_port, Some(8080));
        assert_eq!(options.patient_port, Some(9000));
        assert_eq!(options.audit_port, Some(7072));
        assert!(options.core_tools);
        assert_eq!(options.state, Path::new("elsewhere"));
        assert_eq!(options.functions, Path::new("target/functions"));
    }

    #[test]
    fn rotate_key_accepts_the_state_folder_anywhere() {
        for (arguments, folder) in [
            (&["rotate-key", "audit-database"][..], "target/server"),
            (&["rotate-key", "--state", "elsewhere", "audit-database"], "elsewhere"),
            (&["rotate-key", "audit-database", "--state", "elsewhere"], "elsewhere"),
        ] {
            let Ok(Command::RotateKey { secret, state }) = parsed(arguments) else {
                panic!("the command is `rotate-key`");
            };
            assert_eq!(
                (state.state.as_path(), secret),
                (Path::new(folder), Rotation::AuditDatabase)
            );
        }
    }

    #[test]
    fn an_unknown_secret_is_refused_with_the_list_of_secrets() {
        let error = parsed(&["rotate-key", "all"]).expect_err("a mistake").to_string();

        for rotation in Rotation::ALL {
            assert!(error.contains(rotation.name()), "{error}");
        }
    }

    #[test]
    fn help_exits_with_success() {
        for arguments in [&["--help"][..], &["server", "--help"], &["help", "zip"]] {
            let help = parsed(arguments).expect_err("it runs nothing");
            assert_eq!((help.kind(), help.exit_code()), (ErrorKind::DisplayHelp, 0));
        }
    }
}
