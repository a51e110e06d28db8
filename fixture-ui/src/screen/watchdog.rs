//! What the service manager hears: that the display is up, that it lives, and what is wrong. Nothing, where none listens.

use core::time::Duration;

use sd_notify::NotifyState;

/// How often the service manager is told that the display lives.
pub const EVERY: Duration = Duration::from_secs(1);

/// The display looks at the daemon.
pub fn ready() {
    tell(&NotifyState::Ready);
}

/// A look ended.
pub fn beat() {
    tell(&NotifyState::Watchdog);
}

/// What `systemctl status` says.
pub fn status(words: &str) {
    tell(&NotifyState::Status(words));
}

fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(core::slice::from_ref(state)) {
        tracing::debug!("the service manager: {error}");
    }
}
