//! The whole fixture on a laptop: this binary runs itself in the three roles (daemon, screen, web: the libraries' own entry points)
//! on the simulated jig, and ends them with Ctrl-C. It is not for production.

mod asked;
mod folder;
mod history;
mod roles;

use core::sync::atomic::{AtomicBool, Ordering};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use self::asked::Asked;
use self::folder::Folder;
use self::history::Made;
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
    /// What goes wrong with the units that are run live; without it everything that can (config/scenarios/mixed.toml).
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
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

fn demo(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // One thread: the roles are told to end when the thread that started them does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut asked = {
        let _inside = runtime.enter();
        Asked::listen()?
    };
    let folder = Folder::make(arguments.keep.as_deref(), arguments.port, arguments.scenario.as_deref())?;
    let made = if folder.is_new() && arguments.history > 0 {
        make_history(&runtime, &mut asked, &folder, arguments.history)?
    } else {
        Made::Whole
    };
    let code = match made {
        Made::Whole => runtime.block_on(roles::run(&folder, &mut asked))?,
        Made::Ended => ExitCode::SUCCESS,
    };
    folder.close()?;
    Ok(code)
}

/// Makes the history on a thread of its own, so that this one hears whether it is asked to end.
#[expect(clippy::print_stdout, reason = "the demo tells what it does")]
fn make_history(runtime: &Runtime, asked: &mut Asked, folder: &Folder, units: u32) -> anyhow::Result<Made> {
    println!("Making {units} units of simulated history …");
    let end = AtomicBool::new(false);
    let (done, mut is_done) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let making = scope.spawn(|| {
            let made = history::make(folder, units, &end);
            // Closed by the end of the thread as well.
            drop(done);
            made
        });
        let went_on = runtime.block_on(async {
            tokio::select! {
                () = asked.heard() => {
                    println!("Ending …");
                    end.store(true, Ordering::Relaxed);
                    Made::Ended
                }
                _ = &mut is_done => Made::Whole,
            }
        });
        let made = making.join().map_err(|_| anyhow::anyhow!("its thread panicked"));
        match (made.and_then(|made| made).context("simulated history")?, went_on) {
            (Made::Whole, Made::Whole) => Ok(Made::Whole),
            (Made::Ended, _) | (_, Made::Ended) => Ok(Made::Ended),
        }
    })
}
