//! The command line: one file a command, one place for exit codes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Configures imp-enabled units by light, reads their status LEDs, and stores every result.
#[derive(Debug, Parser)]
#[command(name = "fixture-daemon", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One variant a command; its arguments live in the command's own file.
#[derive(Debug, Subcommand)]
enum Command {}

/// Parses the process's arguments, runs the command and gives its exit code: 0 done, 1 the input or the fixture is at fault,
/// 2 the arguments are.
pub fn main() -> ExitCode {
    match Arguments::parse().command {}
}
