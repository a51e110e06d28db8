//! The live page, and its parts sent again whenever they change.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::Sources;
use super::frame::{Frame, moment};
use super::link;
use super::problem::{Problem, page as rendered};
use super::shift::ShiftWords;
use crate::view::{COMMISSIONING_WORD, Face, GONE_WORD, NO_UNITS, STOP_WORD, View};

/// How often a stream looks whether its parts have changed, and whether what was heard still stands.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many looks without a change go by before a bare beat is sent; the script waits 1.5 s for one.
const BEAT_EVERY: u32 = 2;

/// The whole page.
#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    frame: Frame,
    view: View,
    shift: Arc<ShiftWords>,
}

/// Its live part alone.
#[derive(Template)]
#[template(path = "live.html", block = "live")]
struct LivePart<'a> {
    view: &'a View,
    shift: &'a ShiftWords,
}

/// `GET /`
pub async fn page(sources: State<Arc<Sources>>) -> Result<Html<String>, Problem> {
    let view = View::of(&sources.newest.borrow(), sources.clock.now());
    let frame = Frame::of(&sources, "live", &view);
    let shift = sources.shift.now(&sources).await;
    rendered(&sources, &LivePage { frame, view, shift })
}

/// `GET /events`: an event `live` with the page's live part whenever that changes, `clock` with the time once a second, else `beat`: one of
/// them at least twice a second.
pub async fn events(sources: State<Arc<Sources>>) -> impl IntoResponse {
    let ended = sources.ended.clone();
    Sse::new(looks(sources.0).take_until(ended.cancelled_owned()))
}

struct Look {
    sources: Arc<Sources>,
    every: tokio::time::Interval,
    sent: String,
    told: String,
    unchanged: u32,
    /// What a look found, until it is sent.
    found: VecDeque<Event>,
}

impl Look {
    /// Looks whether there is something to send; `None` where the live part cannot be made.
    fn look(&mut self, shift: &ShiftWords) -> Option<()> {
        let view = View::of(&self.sources.newest.borrow(), self.sources.clock.now());
        let part = part(&view, shift)?;
        if part == self.sent {
            self.unchanged += 1;
        } else {
            self.unchanged = 0;
            self.sent.clone_from(&part);
            self.found.push_back(Event::default().event("live").data(part));
        }
        let time = moment(&self.sources, self.sources.clock.wall());
        if time != self.told {
            self.told.clone_from(&time);
            self.found.push_back(Event::default().event("clock").data(time));
        } else if self.unchanged > 0 && self.unchanged.is_multiple_of(BEAT_EVERY) {
            self.found.push_back(Event::default().event("beat").data(""));
        }
        Some(())
    }
}

fn looks(sources: Arc<Sources>) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let first = Look {
        sources,
        every,
        sent: String::new(),
        told: String::new(),
        unchanged: 0,
        found: VecDeque::new(),
    };
    stream::unfold(first, |mut look| async move {
        loop {
            if let Some(event) = look.found.pop_front() {
                return Some((Ok(event), look));
            }
            look.every.tick().await;
            // Without a part the stream ends: the page then hears nothing, and says so.
            let shift = look.sources.shift.now(&look.sources).await;
            look.look(&shift)?;
        }
    })
}

/// The live part in HTML.
fn part(view: &View, shift: &ShiftWords) -> Option<String> {
    LivePart { view, shift }
        .render()
        .inspect_err(|error| tracing::error!("live part: {error}"))
        .ok()
}
