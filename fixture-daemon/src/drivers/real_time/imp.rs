//! The thread that carries what an imp transmitter says by itself: the blessings of units, and whether it is there.

use crate::engine::to_see::ToSee;
use core::time::Duration;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use fixture_link::identity::LaneId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Told;
use super::looks::Found;
use crate::engine::input::{Input, LaneInput};
use crate::jig::raspberry_pi::transmitter::News;

/// How often the thread looks whether the daemon stops.
const IDLE: Duration = Duration::from_millis(50);

/// Carries until the stop; `lane` is the one whose units the transmitter sends to.
///
/// # Errors
/// The transmitter's thread has ended.
pub fn carry(
    lane: LaneId,
    news: &Receiver<News>,
    told: &mpsc::UnboundedSender<Told>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        match news.recv_timeout(IDLE) {
            // With the engine's task gone the daemon stops.
            Ok(news) => drop(told.send(means(lane, news))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                anyhow::ensure!(stop.is_cancelled(), "the imp transmitter's thread has ended");
                // The jig is gone, and with it the transmitter.
                return Ok(());
            }
        }
    }
    Ok(())
}

fn means(lane: LaneId, news: News) -> Told {
    match news {
        News::Bless(event) => Told::Input(Input::Lane(lane, LaneInput::Bless(event))),
        News::Up { device_id, software } => {
            tracing::info!("imp transmitter: device {device_id}, {software}");
            Told::Found(Found::Part("imp transmitter", None))
        }
        News::Lost(why) => Told::Found(Found::Part(
            "imp transmitter",
            Some(ToSee {
                part: "imp transmitter".to_owned(),
                what: why,
                remedy: "check its power and its wires, and that it runs the fixture's firmware".to_owned(),
            }),
        )),
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::bless::BlessEvent;

    use super::*;

    #[test]
    fn a_blessing_reaches_the_engine_and_a_lost_imp_a_person() {
        let event = BlessEvent {
            event: "imp-1".to_owned(),
            device_id: Some("2000000000000001".to_owned()),
            token_id: None,
            blessed: true,
        };
        let lane = LaneId::new(2).unwrap();
        let told = means(lane, News::Bless(event.clone()));
        assert!(matches!(told, Told::Input(Input::Lane(of, LaneInput::Bless(same))) if of == lane && same == event));
        let lost = means(lane, News::Lost("unplugged".to_owned()));
        assert!(matches!(lost, Told::Found(Found::Part(_, Some(notice))) if notice.what == "unplugged"));
        let up = News::Up {
            device_id: String::new(),
            software: String::new(),
        };
        assert!(matches!(means(lane, up), Told::Found(Found::Part(_, None))));
    }
}
