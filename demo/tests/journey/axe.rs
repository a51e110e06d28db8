//! axe-core, which finds what keeps people from reading a page: too little contrast, fields without labels, and the like. It is under the MPL-2.0, and is only
//! used here: nothing that is shipped holds it.

use core::time::Duration;
use std::path::Path;

use fantoccini::wd::TimeoutConfiguration;

use crate::browser::Browser;

/// Its version, and the SHA-256 of its package: what `./check --install` brings.
const PINNED: &str = include_str!("axe-core");

/// Runs it on all that the page holds, also on what is folded up: serious and critical findings as rule, selector and why, and how many rules were held.
const RUN: &str = "const done = arguments[arguments.length - 1]; \
    for (const folded of document.querySelectorAll('details')) folded.open = true; \
    const grave = (finding) => ['serious', 'critical'].includes(finding.impact); \
    const told = (finding) => finding.nodes.map((node) => \
        `${finding.id} (${finding.impact}), ${node.target.join(' ')}: ${finding.help}. ${node.failureSummary}`); \
    axe.run().then( \
        (said) => done([said.violations.filter(grave).flatMap(told), said.passes.length]), \
        (error) => done([[String(error)], 0]) \
    );";

/// Its script.
pub fn script() -> String {
    let version = PINNED.split_whitespace().next().unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../axe-core/package/axe.min.js");
    let script = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: no page was looked at, for want of axe-core {version}: ./check --install",
            path.display()
        )
    });
    assert!(
        script.contains(&format!("axe v{version}")),
        "{}: expected version {version}: ./check --install",
        path.display()
    );
    script
}

/// Serious and critical findings on the page that the browser shows.
pub async fn findings(browser: &Browser, script: &str, page: &str) -> Vec<String> {
    // Of a page with a thousand rows on a loaded machine it takes longer than the half minute that a browser gives a script.
    let patience = TimeoutConfiguration::new(Some(Duration::from_mins(3)), None, None);
    browser.client.update_timeouts(patience).await.unwrap();
    let load = format!("{script}; return axe.version;");
    browser.client.execute(&load, Vec::new()).await.unwrap();
    let said = browser.client.execute_async(RUN, Vec::new()).await.unwrap();
    let (findings, held): (Vec<String>, u32) = serde_json::from_value(said).unwrap();
    assert!(
        held > 10 || !findings.is_empty(),
        "{page}: only {held} rules had anything to look at"
    );
    findings
        .into_iter()
        .map(|finding| format!("{page}: {}", finding.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}
