//! What the daemon says, kept at its newest.

use core::time::Duration;
use std::sync::Arc;

use fixture_link::client::Client;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::view::standing::Heard;

/// How long to wait before connecting again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Follows the daemon's events until `ended`: connects, and connects again whenever the link breaks.
pub async fn follow(client: Client, clock: Clock, newest: watch::Sender<Heard>, ended: CancellationToken) {
    let following = async {
        loop {
            let mut events = std::pin::pin!(client.events());
            while let Some(event) = events.next().await {
                match event {
                    Ok(snapshot) => {
                        if newest.borrow().trouble.is_some() {
                            tracing::info!(fixture = snapshot.fixture.id, "the daemon is heard");
                        }
                        newest.send_replace(Heard {
                            snapshot: Some((Arc::new(snapshot), clock.now())),
                            trouble: None,
                        });
                    }
                    Err(error) => {
                        let trouble = error.to_string();
                        newest.send_if_modified(|heard| {
                            let new = heard.trouble.as_deref() != Some(trouble.as_str());
                            if new {
                                tracing::warn!("{trouble}");
                                heard.trouble = Some(trouble);
                            }
                            new
                        });
                    }
                }
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    };
    ended.run_until_cancelled(following).await;
}
