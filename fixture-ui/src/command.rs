//! The command line: two services, one binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use blinkup::codes::CodeTable;
use clap::{CommandFactory as _, Parser, Subcommand};
use fixture_link::client::Client;
use fixture_link::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::screen::display::Display;
use crate::screen::words::Words;
use crate::view::standing::Heard;
use crate::view::wording;
use crate::web::replays::Replays;
use crate::{feed, languages, screen, web};

/// Shows what a fixture is doing: on its local display, and as pages.
#[derive(Debug, Parser)]
#[command(name = "fixture-ui", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to show it on.
#[derive(Debug, Subcommand)]
enum Command {
    /// Draws the local display; needs no network.
    Screen {
        /// The fixture's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Only blanks the panel, for when the service that drew on it has ended, however it ended.
        #[arg(long)]
        blank: bool,
    },
    /// Looks at the local screen's languages and says what is missing or wrong in their files.
    Languages {
        /// The fixture's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Prints the code with which the first administrator is made, for a fixture without a screen.
    SetupCode {
        /// The fixture's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Serves the dashboard: at the line on a loopback address, and for the network encrypted.
    Web {
        /// The fixture's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// The command line, for manual pages and completions.
pub fn interface() -> clap::Command {
    Arguments::command()
}

/// Parses the process's arguments, runs the service until a signal ends it, and gives the exit code: 0 ended by a signal, 1 the
/// configuration or the system is at fault, 2 the arguments are.
#[expect(clippy::print_stderr, reason = "a command says why it failed, once")]
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Screen { config, blank: false } => screen(&config),
        Command::Screen { config, blank: true } => blank(&config),
        Command::SetupCode { config } => setup_code(&config),
        Command::Languages { config } => look_at_languages(&config),
        Command::Web { config } => web(&config),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-ui: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The local display's service: draws until SIGTERM or SIGINT, then blanks the panel. A panel that fails is opened again and again.
///
/// # Errors
/// The configuration is wrong, or the drawing itself failed.
pub fn screen(config: &Path) -> anyhow::Result<()> {
    log();
    let settings = settings(config)?;
    runtime(1)?.block_on(async {
        let (clock, ended) = (Clock::start(), until_signal()?);
        let (sender, newest) = watch::channel(Heard::default());
        let (languages, complaints) = languages::read(&settings.tongue);
        for complaint in complaints {
            tracing::warn!("language: {complaint}");
        }
        let words = Words::of(&settings, languages);
        let Some(display) = settings.screen.map(Display::configured) else {
            tracing::warn!("no panel in [ui.screen]: nothing is drawn");
            screen::watchdog::ready();
            ended.cancelled().await;
            return Ok(());
        };
        let showing = async {
            let result = screen::display::keep(display, newest, &words, clock, ended.clone()).await;
            ended.cancel();
            result
        };
        let ((), result) = tokio::join!(
            feed::follow(Client::new(&settings.socket), clock, sender, ended.clone()),
            showing
        );
        Ok(result?)
    })
}

/// Blanks the panel.
///
/// # Errors
/// The configuration is wrong, or the panel cannot be reached.
pub fn blank(config: &Path) -> anyhow::Result<()> {
    log();
    match settings(config)?.screen.map(Display::configured) {
        None => Ok(()),
        Some(display) => Ok(display.end()?),
    }
}

/// Prints the setup code.
fn setup_code(config: &Path) -> anyhow::Result<()> {
    let file = settings(config)?.web.setup_code_file();
    let code = match std::fs::read_to_string(&file) {
        Ok(code) => code,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => anyhow::bail!(
            "{}: there is no setup code: the fixture has an administrator, or its web service was never started",
            file.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("{}", file.display())),
    };
    std::io::stdout().write_all(code.as_bytes())?;
    Ok(())
}

/// Prints the languages of the screen; fails with what is wrong with their files.
#[expect(clippy::print_stdout, reason = "what the command is asked for")]
fn look_at_languages(config: &Path) -> anyhow::Result<()> {
    let settings = settings(config)?;
    let (languages, complaints) = languages::read(&settings.tongue);
    let tags: Vec<&str> = languages.tags().into_iter().collect();
    println!("{}; the screen speaks {}", tags.join(", "), languages.speak("").tag());
    for complaint in &complaints {
        println!("{complaint}");
    }
    anyhow::ensure!(
        complaints.is_empty(),
        "{} texts or files are not right",
        complaints.len()
    );
    Ok(())
}

/// The dashboard's service: serves until SIGTERM or SIGINT.
///
/// # Errors
/// The configuration is wrong, or the address cannot be bound.
pub fn web(config: &Path) -> anyhow::Result<()> {
    log();
    let settings = settings(config)?;
    let replays = Replays::of(config).context("this program's own file")?;
    runtime(2)?.block_on(async {
        let (clock, ended) = (Clock::start(), until_signal()?);
        let (sender, newest) = watch::channel(Heard::default());
        let serving = async {
            let result = web::serve(&settings, replays, newest, clock, ended.clone()).await;
            ended.cancel();
            result
        };
        let ((), result) = tokio::join!(
            feed::follow(Client::new(&settings.socket), clock, sender, ended.clone()),
            serving
        );
        Ok(result?)
    })
}

/// The shared part of the configuration; the fixture's own status codes are those that are worded from then on.
fn settings(config: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(config).with_context(|| format!("{}", config.display()))?;
    let settings = Settings::parse(config, &text)?;
    if let Some(file) = &settings.status_codes {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        let table = CodeTable::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        wording::use_codes(table);
    }
    Ok(settings)
}

fn runtime(workers: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// A token that the first SIGTERM or SIGINT cancels; the second ends the process at once.
#[expect(
    clippy::disallowed_methods,
    reason = "the one task of this crate that outlives its function"
)]
fn until_signal() -> anyhow::Result<CancellationToken> {
    let ended = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = ended.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        token.cancel();
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        std::process::exit(1);
    });
    Ok(ended)
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    // A second call in one process (the demo's tests) keeps the first subscriber.
    let _kept = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}
