//! The live page, and its parts sent again whenever they change.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::Sources;
use super::frame::Frame;
use super::link;
use super::problem::{Problem, page as rendered};
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
}

/// Its live part alone.
#[derive(Template)]
#[template(path = "live.html", block = "live")]
struct LivePart<'a> {
    view: &'a View,
}

/// `GET /`
pub async fn page(sources: State<Arc<Sources>>) -> Result<Html<String>, Problem> {
    let view = View::of(&sources.newest.borrow(), sources.clock.now());
    let frame = Frame::of(&sources, "live", &view);
    rendered(&sources, &LivePage { frame, view })
}

/// `GET /events`: an event `live` with the page's live part whenever that changes, else an event `beat`, at least twice a second.
pub async fn events(sources: State<Arc<Sources>>) -> impl IntoResponse {
    let ended = sources.ended.clone();
    Sse::new(looks(sources.0).take_until(ended.cancelled_owned()))
}

struct Look {
    sources: Arc<Sources>,
    every: tokio::time::Interval,
    sent: String,
    unchanged: u32,
}

fn looks(sources: Arc<Sources>) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let first = Look {
        sources,
        every,
        sent: String::new(),
        unchanged: 0,
    };
    stream::unfold(first, |mut look| async move {
        loop {
            look.every.tick().await;
            let view = View::of(&look.sources.newest.borrow(), look.sources.clock.now());
            match part(&view) {
                Some(part) if part != look.sent => {
                    look.unchanged = 0;
                    look.sent.clone_from(&part);
                    return Some((Ok(Event::default().event("live").data(part)), look));
                }
                Some(_) => {
                    look.unchanged += 1;
                    if look.unchanged % BEAT_EVERY == 0 {
                        return Some((Ok(Event::default().event("beat").data("")), look));
                    }
                }
                // The page then hears nothing, and says so.
                None => return None,
            }
        }
    })
}

/// The live part in HTML.
fn part(view: &View) -> Option<String> {
    LivePart { view }
        .render()
        .inspect_err(|error| tracing::error!("live part: {error}"))
        .ok()
}
