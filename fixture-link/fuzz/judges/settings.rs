//! What must hold for any bytes as a fixture's settings: run by the fuzz target, and over its corpus by the tests.

use std::path::Path;

use fixture_link::settings::Settings;

/// They are read, or what is wrong is told with its place. Whether they are read.
pub fn settings(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else {
        return false;
    };
    match Settings::parse(Path::new("fixture.toml"), text) {
        Ok(settings) => {
            // The calendar answers at any moment.
            for micros in [i64::MIN, -1, 0, 1_789_992_000_000_000, i64::MAX] {
                let _shift = settings.shifts.at(micros);
            }
            true
        }
        Err(mistake) => {
            let told = mistake.to_string();
            assert!(told.starts_with("fixture.toml"), "{told}");
            false
        }
    }
}
