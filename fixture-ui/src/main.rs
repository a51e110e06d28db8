//! The binary of screen and web: parses arguments and calls one function.

use std::process::ExitCode;

fn main() -> ExitCode {
    fixture_ui::command::main()
}
