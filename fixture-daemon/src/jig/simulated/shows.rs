//! What a unit's LED shows for a status code: the table's steps, with choices where the table leaves them open.

use core::time::Duration;

use blinkup::codes::{CodeTable, Colour, Step};

use super::chance::Chance;
use super::led::Show;

/// The patterns of the vendor's table.
#[derive(Debug, Clone)]
pub struct Shows {
    table: CodeTable,
}

impl Shows {
    /// The vendor's.
    pub fn vendor() -> Self {
        Self {
            table: CodeTable::vendor(),
        }
    }

    /// The pattern of a status code; dark for a code that is not in the table.
    ///
    /// Where the table gives a range, the length is chosen within it; where it gives no colour, one that differs from the
    /// neighbours'.
    pub fn of(&self, code: &str, chance: &mut Chance) -> Show {
        let Some(code) = self.table.code(code) else {
            return Show::held(Colour::Off);
        };
        let mut steps: Vec<(Colour, Duration)> = Vec::with_capacity(code.steps.len());
        for step in &code.steps {
            let before = steps.last().map(|step| step.0);
            let colour = step.colour.unwrap_or(match before {
                Some(Colour::Off) => Colour::Red,
                Some(Colour::Red | Colour::Amber | Colour::Green) | None => Colour::Off,
            });
            steps.push((colour, length(step, chance)));
        }
        if steps.is_empty() {
            return Show::held(Colour::Off);
        }
        Show {
            steps,
            repeat: code.repeats,
        }
    }
}

fn length(step: &Step, chance: &mut Chance) -> Duration {
    match step.lasts {
        None => Duration::ZERO,
        Some(span) if span.shortest == span.longest => span.shortest,
        Some(span) => chance.time(span.shortest..span.longest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::Stream;
    use super::*;

    #[test]
    fn every_code_that_units_show_is_in_the_table() {
        let shows = Shows::vendor();
        let mut chance = Chance::new(1, Stream::Jig);
        for code in [
            "no-network-settings",
            "legacy-no-wifi-settings",
            "legacy-blinkup-successful",
            "legacy-blinkup-unsuccessful",
            "searching-for-wifi",
            "joining-wifi",
            "getting-ip-address",
            "resolving-server-name",
            "connecting-to-server",
            "connected",
            "lost-connection",
            "power-supply-rapid-red",
            "imp006-fastrom-spi-flash",
            "spi-flash-not-found",
            "spi-flash-error",
            "imp004m-red-3s",
        ] {
            let show = shows.of(code, &mut chance);
            assert!(show.steps.len() >= 2 && show.repeat, "{code}: {show:?}");
            assert!(
                show.steps.iter().any(|step| step.0 != Colour::Off),
                "{code} would be dark"
            );
        }
    }
}
