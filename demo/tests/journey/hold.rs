//! What a person does to the live page while it changes four times a second: a focus stays, and a click arrives.

use core::time::Duration;

use fantoccini::Locator;
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};

use crate::browser::Browser;

/// How long until a lane with a run is there, and until it has changed.
const SOON: Duration = Duration::from_mins(1);

/// Tries: a run may end in the middle of one.
const TRIES: u32 = 5;

/// Focuses a link in a lane with a run; its address.
const FOCUS: &str = "const link = document.querySelector(arguments[0]); if (!link) return null; \
    link.focus(); window.kept = link; window.lane = link.closest('.lane'); window.was = window.lane.innerHTML; \
    return link.getAttribute('href');";

/// Whether the link is still itself and focused, once its lane has changed; `\"gone\"` where the lane has another unit by now.
const KEPT: &str = "if (window.lane.innerHTML === window.was) return null; \
    const same = window.lane.querySelector(`.unit a[href='${window.kept.getAttribute('href')}']`); \
    if (!same) return 'gone'; \
    return same === window.kept && document.activeElement === same ? 'kept' : 'lost';";

/// Counts in the session, which outlives the page, how often the live part changes.
const COUNT: &str = "sessionStorage.setItem('changes', 0); \
    new MutationObserver(() => sessionStorage.setItem('changes', 1 + Number(sessionStorage.getItem('changes')))) \
        .observe(document.querySelector(arguments[0]), { subtree: true, childList: true, attributes: true, characterData: true }); \
    return true;";

/// A link that has the focus has it still after its lane has changed.
pub async fn a_focus_stays(browser: &Browser) {
    for _ in 0..TRIES {
        let mut kept = serde_json::Value::Null;
        browser.once(FOCUS, ".lane.running .unit a", SOON).await;
        for _ in 0..3 {
            kept = browser.once(KEPT, "", SOON).await;
            if kept != "kept" {
                break;
            }
            browser
                .ask("window.was = window.lane.innerHTML; return true;", "")
                .await;
        }
        match kept.as_str() {
            Some("kept") => return,
            Some("gone") => {}
            other => panic!("the page took the focus away: {other:?}"),
        }
    }
    panic!("no lane kept its unit");
}

/// A click whose button is held while the page changes below it follows its link.
pub async fn a_held_click_arrives(browser: &Browser, pages: &str) {
    for _ in 0..TRIES {
        browser.client.goto(pages).await.unwrap();
        let link = browser
            .once(FOCUS, ".lane.running .unit a[href^='/units/']", SOON)
            .await;
        let link = link.as_str().unwrap().to_owned();
        browser.ask(COUNT, "#live").await;
        let element = browser
            .client
            .find(Locator::Css(&format!(".unit a[href='{link}']")))
            .await
            .unwrap();
        let press = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveToElement {
                element,
                duration: None,
                x: 0.,
                y: 0.,
            })
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(PointerAction::Pause {
                duration: Duration::from_millis(900),
            })
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        browser.client.perform_actions(press).await.unwrap();
        let arrived = "return location.pathname === arguments[0] ? true : (window.kept?.isConnected ? null : false);";
        if browser.once(arrived, &link, Duration::from_secs(10)).await == true {
            let changes = browser
                .ask("return Number(sessionStorage.getItem('changes'));", "")
                .await;
            assert!(
                changes.as_u64().unwrap() >= 2,
                "the page changed {changes} times below the click"
            );
            return;
        }
    }
    panic!("no click arrived");
}
