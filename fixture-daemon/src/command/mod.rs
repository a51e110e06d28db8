//! The command line: one file a command, one place for exit codes.

mod act;
mod align;
mod bench;
mod calibrate;
mod check_config;
mod codes;
mod dark;
mod doctor;
mod encode;
mod guide;
mod json_line;
mod read_led;
mod record;
mod run;
mod selftest;
mod simulate;
mod teach;
mod verify;
mod what_if;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

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
    Act(act::ActCommand),
    Align(align::Align),
    Calibrate(calibrate::Calibrate),
    CheckConfig(check_config::CheckConfig),
    Dark(dark::Dark),
    Doctor(doctor::Doctor),
    Encode(encode::Encode),
    ReadLed(read_led::ReadLed),
    Record(record::Record),
    Run(run::Run),
    Selftest(selftest::Selftest),
    Simulate(simulate::Simulate),
    Teach(teach::Teach),
    Verify(verify::Verify),
    WhatIf(what_if::WhatIf),
}

/// The command line, for manual pages and completions.
pub fn interface() -> clap::Command {
    Arguments::command()
}

/// Parses the process's arguments, runs the command and gives its exit code: 0 done, 1 the input or the fixture is at fault,
/// 2 the arguments are.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Act(arguments) => act::run(arguments),
        Command::Align(arguments) => align::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Dark(arguments) => dark::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Encode(arguments) => encode::run(&arguments),
        Command::ReadLed(arguments) => read_led::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Teach(arguments) => teach::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::WhatIf(arguments) => what_if::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Logs to standard error; `RUST_LOG` says how much.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A process that plays several roles has a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
