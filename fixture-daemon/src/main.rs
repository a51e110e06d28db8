//! The appliance's binary: parses arguments and calls one function.

use std::process::ExitCode;

fn main() -> ExitCode {
    fixture_daemon::command::main()
}
