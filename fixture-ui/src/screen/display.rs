//! Keeps the local display at what the daemon says.

use core::time::Duration;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::frame::{Frame, FrameError};
use crate::clock::Clock;
use crate::view::View;
use crate::view::standing::Heard;

/// How often the display looks whether what it shows still stands.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The display cannot show its frames.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// The file for the frames cannot be replaced.
    #[error("{path}: cannot be replaced: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The frame cannot be encoded.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The drawing itself failed.
    #[error("drawing: {0}")]
    Drawing(String),
}

/// Draws a frame whenever what is shown changes, until `ended`; then takes the last one away, so that no verdict is left standing.
///
/// # Errors
/// The file cannot be replaced.
pub async fn keep(
    png: Option<&Path>,
    newest: watch::Receiver<Heard>,
    clock: Clock,
    ended: CancellationToken,
) -> Result<(), DisplayError> {
    let showing = async {
        let mut shown = None;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        // A display that fell behind shows the present, not every look that it missed.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let view = View::of(&newest.borrow(), clock.now());
            // Off the thread that follows the daemon: a slow drawing must not look like a silent daemon.
            let last = shown.take();
            let to = png.map(Path::to_owned);
            let drawn = tokio::task::spawn_blocking(move || renew(&view, last.as_ref(), to.as_deref())).await;
            shown = Some(drawn.map_err(|error| DisplayError::Drawing(error.to_string()))??);
        }
    };
    let result = ended.run_until_cancelled(showing).await;
    if let Some(path) = png {
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(DisplayError::File {
                    path: path.to_owned(),
                    source,
                });
            }
            Ok(()) | Err(_) => {}
        }
    }
    result.unwrap_or(Ok(()))
}

/// Draws the view, and gives the frame to the file where it differs from the last.
fn renew(view: &View, last: Option<&Frame>, png: Option<&Path>) -> Result<Frame, DisplayError> {
    let frame = super::frame(view);
    if let Some(path) = png
        && last != Some(&frame)
    {
        replace(path, &frame.png()?)?;
    }
    Ok(frame)
}

/// Replaces the file whole: whoever reads it sees the old frame or the new one.
fn replace(path: &Path, png: &[u8]) -> Result<(), DisplayError> {
    let new = path.with_extension("png.new");
    std::fs::write(&new, png)
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(|source| DisplayError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use fixture_link::verdict::VerdictCode;

    use super::*;
    use crate::view::tests::{heard, snapshot, verdict};

    #[tokio::test]
    async fn the_end_of_the_display_leaves_no_verdict_standing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("screen.png");
        let ended = CancellationToken::new();
        let (_keep, newest) = watch::channel(heard(snapshot(vec![verdict(VerdictCode::Ok)])));
        let shown = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
            ended.cancel();
        };
        let (result, ()) = tokio::join!(keep(Some(&file), newest, Clock::start(), ended.clone()), shown);
        result.unwrap();
        assert!(!file.exists());
    }
}
