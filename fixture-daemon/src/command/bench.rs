//! What the bench's commands share: the jig in their hands, and only in theirs.

use std::path::Path;

use anyhow::Context as _;
use fixture_link::client::Client;
use fixture_link::identity::LaneId;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::commissioning::bench::{Bench, Curves};
use crate::config::Config;

/// Opens the jig, unless the daemon holds it. A signal that would end the process ends what the bench does instead, with its lamps dark.
pub fn open(file: &Path, curves: Curves) -> anyhow::Result<(Config, Bench)> {
    super::log();
    let config = Config::load(file)?;
    alone(&config.settings.socket)?;
    let bench = Bench::open(&config, curves, stop_at_signals()?)?;
    Ok((config, bench))
}

/// Nobody else may hold the jig.
///
/// # Errors
/// A daemon answers on the socket.
pub fn alone(socket: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let running = runtime.block_on(Client::new(socket).state()).is_ok();
    anyhow::ensure!(
        !running,
        "the daemon holds the jig: stop it first (`systemctl stop fixture-daemon`)"
    );
    Ok(())
}

/// Cancelled by the first SIGINT or SIGTERM. They are listened to from here on: before any lamp is lit.
fn stop_at_signals() -> anyhow::Result<CancellationToken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let (mut interrupt, mut terminate) = {
        let _here = runtime.enter();
        (
            signal(SignalKind::interrupt()).context("SIGINT")?,
            signal(SignalKind::terminate()).context("SIGTERM")?,
        )
    };
    let stop = CancellationToken::new();
    let told = stop.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        told.cancel();
    })?;
    Ok(stop)
}

/// The lanes that a command is about: the one that was named, or all.
pub fn lanes(bench: &Bench, named: Option<LaneId>) -> anyhow::Result<Vec<LaneId>> {
    match named {
        Some(lane) => {
            bench.lane(lane)?;
            Ok(vec![lane])
        }
        None => Ok(bench.lanes.iter().map(|lane| lane.lane).collect()),
    }
}

/// A lane as an argument.
pub fn lane(text: &str) -> Result<LaneId, String> {
    let number: u8 = text.parse().map_err(|_| "expected the number of a lane".to_owned())?;
    LaneId::new(number).map_err(|error| error.to_string())
}
