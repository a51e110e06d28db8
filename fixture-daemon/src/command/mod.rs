//! The command line: one file a command, one place for exit codes.

mod encode;
mod json_line;
mod read_led;
mod simulate;

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
enum Command {
    Encode(encode::Encode),
    ReadLed(read_led::ReadLed),
    Simulate(simulate::Simulate),
}

/// Parses the process's arguments, runs the command and gives its exit code: 0 done, 1 the input or the fixture is at fault,
/// 2 the arguments are.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Encode(arguments) => encode::run(&arguments),
        Command::ReadLed(arguments) => read_led::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
