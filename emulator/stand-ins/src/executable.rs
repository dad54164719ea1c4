//! The executable of an app as a command, for tests of the lists that it prints.

use std::process::Command;

/// The output of an app's executable for a subcommand such as `openapi`, without any environment.
///
/// # Panics
/// If the executable is not there, fails, or prints something other than UTF-8.
pub fn printed(executable: &str, subcommand: &str) -> String {
    let output = Command::new(executable).arg(subcommand).env_clear().output();
    let output = output.expect("the app is built");
    assert!(output.status.success(), "{subcommand} failed: {output:?}");
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}
