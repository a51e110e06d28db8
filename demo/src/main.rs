//! The whole fixture on a laptop: this binary runs itself in the three roles (daemon, screen, web: the libraries' own entry points)
//! on the simulated jig, and ends them with Ctrl-C. It is not for production.

mod folder;
mod history;
mod roles;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use self::folder::Folder;
use self::roles::Role;

/// Runs a simulated fixture with its local display and its pages until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Where the ledger and the socket go; kept at the end, and gone on with at the next start. Without it, a temporary folder.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The port of the pages on 127.0.0.1; without it 8080, or any free one if that is taken.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// How many units of simulated history go into a new ledger.
    #[arg(long, value_name = "UNITS", default_value_t = history::UNITS)]
    history: u32,
}

fn main() -> ExitCode {
    // A role's process is told by the name that it was started under.
    if let Some(role) = Role::of_this_process() {
        return role.run();
    }
    match demo(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the demo tells where its pages are")]
fn demo(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = Folder::make(arguments.keep.as_deref(), arguments.port)?;
    if folder.is_new() && arguments.history > 0 {
        println!("Making {} units of simulated history …", arguments.history);
        history::make(&folder, arguments.history).context("simulated history")?;
    }
    // One thread: the roles are told to end when the thread that started them does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(roles::run(&folder))?;
    folder.close()?;
    Ok(code)
}
