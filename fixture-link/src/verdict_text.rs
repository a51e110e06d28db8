//! What screens, pages and exports say for a verdict code or a refusal: one wording, reached by `code.text()`.
//!
//! The words are those of the vendor's BlinkUp troubleshooting guide where it has any.

use crate::verdict::{Refusal, VerdictCode};

/// The wording of a verdict code or of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// What it is called, at most 40 characters.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do with this unit now, for the local screen: at most two lines of [`Text::SHORT_LINE`] characters.
    pub operator_short: &'static str,
    /// What to do with this unit now, in full.
    pub operator: &'static str,
    /// What to check, for the engineer.
    pub engineer: &'static str,
}

impl Text {
    /// Characters of a line of [`operator_short`](Self::operator_short) on the 320×240 screen.
    pub const SHORT_LINE: usize = 28;
}

impl VerdictCode {
    /// The code's wording.
    #[expect(clippy::too_many_lines, reason = "a table, one entry for each code")]
    pub const fn text(self) -> &'static Text {
        match self {
            Self::Ok => &Text {
                title: "Passed",
                meaning: "Everything that the recipe's pass rule asks for was seen, and the result is stored.",
                operator_short: "Take the unit out. It passed.",
                operator: "Take the unit out and put it with the passed units.",
                engineer: "Nothing. The run's page shows the evidence that the verdict rests on.",
            },
            Self::NoLight => &Text {
                title: "No light from the status LED",
                meaning: "The LED showed no pattern at all after power, although the sensor saw the lamp's test flash in the empty nest.",
                operator_short: "Reseat it once. Dark again: set aside as FAIL.",
                operator: "Lift the unit, seat it again and see that it has power; if its LED stays dark, set it aside as FAIL.",
                engineer: "Is the unit powered on? Check its supply and contacts in the nest, the status LED's polarity and soldering, and the light pipe.",
            },
            Self::PowerFault => &Text {
                title: "Power supply fault",
                meaning: "The LED stayed red or flashed red very rapidly before anything was sent: the supply cannot carry the Wi-Fi start-up current, so the imp resets.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL and mark it: power supply.",
                engineer: "Check the power supply feeding the device: 3.3 V, at least 2.5 V under the Wi-Fi load, and its current. If unit after unit shows it, check the nest's own supply.",
            },
            Self::FlashMissing => &Text {
                title: "SPI flash not found",
                meaning: "The unit signals at start-up that its external SPI flash does not answer.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL for rework and mark it: SPI flash.",
                engineer: "Check the SPI flash: fitted, soldered, HOLD and WP at their levels. The module's hardware design guide has its start-up codes.",
            },
            Self::FlashBad => &Text {
                title: "SPI flash error",
                meaning: "The unit signals at start-up that its external SPI flash answers but fails.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL for rework and mark it: SPI flash.",
                engineer: "Check that the SPI flash is a supported part, is not write-protected, and holds a good image.",
            },
            Self::NoFirmware => &Text {
                title: "imp006 without impOS image",
                meaning: "The imp006's fastROM found no readable, signed impOS image in SPI flash: two seconds of red, then a reboot, again and again.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL and mark it: no impOS image.",
                engineer: "Check that the external flash is fitted and readable, and was programmed with a signed impOS image before assembly.",
            },
            Self::NotReady => &Text {
                title: "Not ready for BlinkUp",
                meaning: "The unit did not show one of the recipe's ready patterns (usually the long amber flash) within its time.",
                operator_short: "Reseat it once. Same again: set aside as FAIL.",
                operator: "Lift the unit and seat it again, which restarts it; if the same comes up, set it aside as FAIL.",
                engineer: "The status LED must be blinking before BlinkUp; if it is not, restart the device. Has the unit been configured already? Do the recipe's ready codes suit this imp?",
            },
            Self::UnexpectedPattern => &Text {
                title: "Unexpected LED pattern",
                meaning: "The LED showed a known pattern that this stage does not allow; the run names it.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL with the name of the pattern that is shown here.",
                engineer: "Look the pattern up among the status codes: a unit of another product, firmware that goes offline or loses its connection, WPS, or an Ethernet unit in a Wi-Fi recipe.",
            },
            Self::NotReceiving => &Text {
                title: "Does not see the light",
                meaning: "The LED kept flashing while the lamp was sending, and the fixture saw its own light: the unit's BlinkUp sensor did not.",
                operator_short: "Reseat it once. Same again: set aside as FAIL.",
                operator: "Clean the light pipe, seat the unit flat and run it again; if the same comes up, set it aside as FAIL.",
                engineer: "Check the unit's BlinkUp sensor (fitted, soldered, its light pipe free) and that the lamp stands over it, as close as possible; block out bright light.",
            },
            Self::ReceptionError => &Text {
                title: "BlinkUp received with errors",
                meaning: "The unit signalled a damaged packet on every attempt, down to the slowest rate of the recipe.",
                operator_short: "Reseat it once. Same again: set aside as FAIL.",
                operator: "Seat the unit flat, keep it still and run it again; if the same comes up, set it aside as FAIL.",
                engineer: "Shade the nest, centre the lamp over the sensor, keep the unit still. If several units show it on one lane, check the lamp's mid level and brightness: too bright saturates the receiver.",
            },
            Self::StuckSearching => &Text {
                title: "Stuck at searching for Wi-Fi",
                meaning: "The unit did not find the network: the last pattern was a long red flash followed by two short ones.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check the SSID, capitals and special characters included; imp001, imp002 and imp003 join 2.4 GHz networks only. Check the access point and this unit's antenna.",
            },
            Self::StuckJoining => &Text {
                title: "Stuck at joining Wi-Fi",
                meaning: "The unit found the network but could not join it: the last pattern was a long red flash followed by three short ones.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check the network's password, capitals and special characters included, the security mode, and this unit's antenna.",
            },
            Self::StuckIp => &Text {
                title: "Stuck at getting an IP address",
                meaning: "The unit joined the network but got no address: the last pattern was alternating short red and amber flashes.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check that DHCP is active with addresses left for all devices, and that MAC address filtering is off or lets the unit in.",
            },
            Self::StuckDns => &Text {
                title: "Stuck at resolving the server name",
                meaning: "The unit has an address but could not resolve the server's name: the last pattern was alternating short amber and red flashes.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check the router's DNS settings; early versions of impOS may be confused by a router's DNS relay mode: try without it.",
            },
            Self::StuckConnecting => &Text {
                title: "Stuck at connecting to the server",
                meaning: "The unit could not open its connection to the impCloud: the last pattern was alternating long amber and short red flashes.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check the firewall: TCP 31314 must be open outwards (UDP 31314 need not be), and no sign-in web page may stand in the way.",
            },
            Self::StuckProxy => &Text {
                title: "Stuck at the proxy",
                meaning: "The unit could not get through the HTTP proxy: address or port incorrect, or its credentials rejected.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Check the proxy's host, port, user name and password in the recipe, and that the proxy is up.",
            },
            Self::StuckCellular => &Text {
                title: "Stuck at the cellular link",
                meaning: "The unit could not bring up its cellular link: waiting for modem or SIM, registering with a cell, or setting up PPP.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL with the name of the pattern that is shown here.",
                engineer: "Check modem power and fitting, the SIM (seated, active, its plan and roaming), the APN, antenna and coverage.",
            },
            Self::StuckUpdating => &Text {
                title: "impOS update did not end",
                meaning: "Steady green outlasted the time for an impOS update: it is neither done nor a blessing.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if several units show it, call the engineer.",
                engineer: "Check the speed of the line's Internet connection and the recipe's time for an update. Never take this green for a pass.",
            },
            Self::Rejected => &Text {
                title: "Rejected by the server",
                meaning: "Green, then amber flashes only: the impCloud refused the unit's enrolment.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Wrong kind of token or app, or a unit of another product? A production device cannot be enrolled with a developer's token. Has the token been used already?",
            },
            Self::FirmwareCrash => &Text {
                title: "Device firmware crashes",
                meaning: "Connects to the server (green flash), then flashes red, and repeats: a runtime error in the device's Squirrel code.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; if the next unit shows it too, call the engineer.",
                engineer: "Read the device's log in impCentral; check that the factory firmware is the one for this hardware.",
            },
            Self::BrownOut => &Text {
                title: "Restarts while connecting",
                meaning: "The unit restarted again and again (rapid red) while it was connecting: the supply does not carry Wi-Fi.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL and mark it: power supply.",
                engineer: "Wi-Fi needs at least 2.5 V under load: check the unit's supply, its bulk capacitors and contacts. If unit after unit shows it, check the nest's own supply.",
            },
            Self::BlessFailed => &Text {
                title: "Tests or blessing failed",
                meaning: "Solid red after the connection stages: the unit failed its tests, or the impCloud refused the blessing.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL; do not run it again before it was repaired.",
                engineer: "Read the device's test results in the factory firmware's log, and whether the blessing was refused there.",
            },
            Self::LedOutOfLimits => &Text {
                title: "Status LED out of limits",
                meaning: "Everything else passed, but the status LED's brightness or colour lies outside the recipe's limits.",
                operator_short: "Set the unit aside as FAIL.",
                operator: "Set the unit aside as FAIL and mark it: status LED.",
                engineer: "Check the LED's part and series resistors, its light pipe, and the lane's calibration against a good unit.",
            },
            Self::NoBlessEvent => &Text {
                title: "Green, but no bless event",
                meaning: "The LED says blessed, but the cloud's bless event for this unit did not come in its time. The green may be an impOS update.",
                operator_short: "Set aside as UNDECIDED. Do not ship it.",
                operator: "Set the unit aside as UNDECIDED; it may not go with the passed units.",
                engineer: "Look in impCentral whether the device is blessed; check the webhook or the fixture's agent, and the recipe's time for the event.",
            },
            Self::NotClaimed => &Text {
                title: "Connected, but token not claimed",
                meaning: "The LED says connected, but the cloud names no device for this unit's token in its time.",
                operator_short: "Set aside as UNDECIDED. Do not ship it.",
                operator: "Set the unit aside as UNDECIDED; it may not go with the passed units.",
                engineer: "Was the unit enrolled before, and is it online with its old settings? Check the token's plan and the way from the fixture to the impCloud's API.",
            },
            Self::BlessDisagrees => &Text {
                title: "LED and bless event disagree",
                meaning: "The cloud says blessed and the LED shows solid red, or the cloud refused the blessing and the LED shows green.",
                operator_short: "Set aside as UNDECIDED. Do not ship it.",
                operator: "Set the unit aside as UNDECIDED; it may not go with the passed units.",
                engineer: "Compare the run's light with the event: does the event belong to this unit (device id, token id), and was the unit blessed before?",
            },
            Self::UnreadableLight => &Text {
                title: "LED could not be read",
                meaning: "The LED's pattern could not be named with the confidence that the recipe asks for.",
                operator_short: "Run it once more. Same again: set aside UNDECIDED.",
                operator: "Seat the unit again and run it once more; if the same comes up, set it aside as UNDECIDED.",
                engineer: "Look at the run's light: a weak LED, a dirty light pipe, ambient light that flickers, or a pattern that is in no table. Check the lane's commissioning.",
            },
            Self::LampNotSeen => &Text {
                title: "Lamp not seen",
                meaning: "The fixture did not see the light that it sent. This says nothing about the unit.",
                operator_short: "Use another lane. Call the engineer.",
                operator: "Put the unit into another lane, take this lane out of use and call the engineer.",
                engineer: "Check the lamp's plug and cable, its driver and its supply, and that the sensor is not covered.",
            },
            Self::LampWeak => &Text {
                title: "Lamp too weak",
                meaning: "The light that the fixture sent has drifted below its limit. This says nothing about the unit.",
                operator_short: "Use another lane. Call the engineer.",
                operator: "Put the unit into another lane, take this lane out of use and call the engineer.",
                engineer: "Clean the lamp's window and the light pipe; check the lamp's current; replace an aged lamp and calibrate the lane.",
            },
            Self::LampLate => &Text {
                title: "Lamp too late",
                meaning: "On every attempt a symbol was sent later than the limit allows. This says nothing about the unit.",
                operator_short: "Run the unit again. Same again: call the engineer.",
                operator: "Run the unit again; if the same comes up, call the engineer.",
                engineer: "Is the fixture's computer overloaded or throttled? Check that the sender has its real-time priority (doctor says), the supply and the temperature.",
            },
            Self::SensorFault => &Text {
                title: "Status sensor fault",
                meaning: "The sensor that watches the LED does not answer, or its samples are stale or stuck. This says nothing about the unit.",
                operator_short: "Use another lane. Call the engineer.",
                operator: "Put the unit into another lane, take this lane out of use and call the engineer.",
                engineer: "Check the sensor's plug and cable, its supply, and the bus (doctor says which).",
            },
            Self::SensorSaturated => &Text {
                title: "Status sensor saturated",
                meaning: "More light reaches the sensor than it can measure. This says nothing about the unit.",
                operator_short: "Shade the nest. Then run the unit again.",
                operator: "Close the cover or shade the nest and run the unit again; if the same comes up, call the engineer.",
                engineer: "Block out direct bright light; check the sensor's gain and integration time against the lane's commissioning.",
            },
            Self::AmbientTooBright => &Text {
                title: "Too much light in the nest",
                meaning: "There was too much light in the nest before the run. This says nothing about the unit.",
                operator_short: "Shade the nest. Then run the unit again.",
                operator: "Close the cover or shade the nest from direct bright light, and run the unit again.",
                engineer: "Check the nest's cover and seals, and lights or sunlight that have come near the fixture.",
            },
            Self::StoreFailed => &Text {
                title: "Result could not be stored",
                meaning: "The record could not be committed, so the unit has not passed, whatever it showed.",
                operator_short: "Not stored: not passed. Call the engineer.",
                operator: "Keep the unit beside the fixture, do not put it with the passed units, and call the engineer.",
                engineer: "Check the fixture's disk: full, read-only, failing? Run the unit again once results can be stored.",
            },
            Self::LabelFailed => &Text {
                title: "Label not printed",
                meaning: "The label could not be printed. The unit's verdict stands.",
                operator_short: "Keep the unit. Check paper, print again.",
                operator: "Keep the unit, check the printer's paper and power, and print its label again.",
                engineer: "Check the label printer, its connection and its queue; the label's own state is stored with the run.",
            },
            Self::NestFault => &Text {
                title: "Nest fault",
                meaning: "The nest's switch bounces or is stuck, its relay does not answer, or unit after unit has no good supply in it. This says nothing about the unit.",
                operator_short: "Lift the unit. Use another lane.",
                operator: "Lift the unit and put it into another lane; if the nest is empty and the lane does not come back, call the engineer.",
                engineer: "Check the switch, its spring and its plug: it must click once when a unit is seated and once when it is lifted. The lane comes back by itself once the switch is steady. Check the relay, and 3.3 V at the nest's contacts with a unit in it.",
            },
            Self::TokenUnavailable => &Text {
                title: "No enrolment token",
                meaning: "The fixture got no enrolment token in time, on every try. This says nothing about the unit.",
                operator_short: "Wait, then run it again. Again: call the engineer.",
                operator: "Wait a minute and run the unit again; if the same comes up, call the engineer.",
                engineer: "Check the fixture's Internet connection, the API key (a refusal with 401 or 403 names it), the plan, and the token source's limits.",
            },
            Self::NetworkDown => &Text {
                title: "The line's network is down",
                meaning: "Units fail in the same way again and again, or the fixture's own check fails: the network is the likely cause, not this unit.",
                operator_short: "Keep the unit. Call the engineer.",
                operator: "Keep the unit to run it again, and call the engineer; the line goes on once the stop is acknowledged.",
                engineer: "Check the access point, DHCP, DNS, TCP 31314 outwards, and that no sign-in web page stands in the way.",
            },
            Self::CalibrationOverdue => &Text {
                title: "Calibration overdue",
                meaning: "The lane's calibration is overdue; it may not pass units until it is done.",
                operator_short: "Use another lane. Ask for its calibration.",
                operator: "Put the unit into another lane and ask for this lane to be calibrated.",
                engineer: "Calibrate the lane; its page says when it was done last.",
            },
            Self::GoldenCheckOverdue => &Text {
                title: "Golden check overdue",
                meaning: "The lane has not passed its known-good unit and failed its known-bad one in this shift; it may not pass others.",
                operator_short: "Run the golden and the bad unit first.",
                operator: "Run the known-good and the known-bad unit in this lane, then run this unit again.",
                engineer: "If the lane fails the golden unit or passes the bad one, take it out of use and calibrate it.",
            },
            Self::LiftedEarly => &Text {
                title: "Lifted before its verdict",
                meaning: "The unit was lifted, or lost contact in the nest, before its verdict.",
                operator_short: "Seat the unit again and leave it in.",
                operator: "Seat the unit again and leave it in until the screen shows its verdict.",
                engineer: "If nobody lifted it, check the nest's presence switch and how firmly the unit sits.",
            },
            Self::StoppedByOperator => &Text {
                title: "Stopped by a person",
                meaning: "A person stopped the run; the reason is stored with it.",
                operator_short: "Run the unit again when ready.",
                operator: "The unit has no verdict: run it again when the line goes on.",
                engineer: "The audit says who stopped it and why.",
            },
            Self::Interrupted => &Text {
                title: "Interrupted",
                meaning: "Power or the fixture's software stopped before the verdict; the unit has none.",
                operator_short: "Run the unit again.",
                operator: "The unit has no verdict: seat it again and run it.",
                engineer: "Check the fixture's power supply and its journal for why it stopped. The unit may be configured already.",
            },
        }
    }
}

impl Refusal {
    /// The refusal's wording.
    pub const fn text(self) -> &'static Text {
        match self {
            Self::DoubleTrigger => &Text {
                title: "Already running",
                meaning: "This lane was started while its run was still going on; the run goes on.",
                operator_short: "Nothing to do. Wait for the verdict.",
                operator: "Leave the unit in and wait for its verdict.",
                engineer: "If it comes often, check the start button and the nest's switch for bouncing contacts.",
            },
            Self::DuplicateSerial => &Text {
                title: "Serial is in another lane",
                meaning: "The same serial is in another lane at this moment.",
                operator_short: "Check both labels. Scan this unit again.",
                operator: "Compare the labels of both units, lift this one and scan its own serial.",
                engineer: "Two units with the same label, or a label scanned twice? Check label printing and scanning.",
            },
            Self::NoSerial => &Text {
                title: "No serial scanned",
                meaning: "The recipe wants a serial and none was scanned for this unit.",
                operator_short: "Lift the unit, scan it, seat it again.",
                operator: "Lift the unit, scan its serial, and seat it again.",
                engineer: "Check the scanner, and whether the recipe should want a serial.",
            },
            Self::BadSerial => &Text {
                title: "Not a serial of this product",
                meaning: "What was scanned does not have the form of this product's serials.",
                operator_short: "Scan the unit's serial again.",
                operator: "Lift the unit, scan its serial (not another code on it), and seat it again.",
                engineer: "Check the serial's form in the recipe, and that this is the recipe of the product on the line.",
            },
            Self::AlreadyPassed => &Text {
                title: "Has already passed",
                meaning: "A unit with this serial has passed before; it is not configured again.",
                operator_short: "Compare its label. If it is its own: passed units.",
                operator: "Compare the label with the unit. If it is its own, put the unit with the passed units; if not, set it aside for the \
                           supervisor.",
                engineer: "Check for two units with the same label. A supervisor can unlock the serial with a reason.",
            },
            Self::RetestLimit => &Text {
                title: "No more runs allowed",
                meaning: "The unit has had all the runs that the recipe allows.",
                operator_short: "Set it aside for the supervisor.",
                operator: "Set the unit aside; a supervisor decides whether it may run again.",
                engineer: "Look at the unit's earlier runs. A supervisor can unlock it with a reason.",
            },
            Self::Quarantined => &Text {
                title: "Quarantined",
                meaning: "The unit ended with the same code again; a supervisor has to look at it first.",
                operator_short: "Quarantine: set it aside for the supervisor.",
                operator: "Put the unit into quarantine; a supervisor decides whether it may run again.",
                engineer: "Look at the unit's earlier runs and repair it. A supervisor can unlock it with a reason.",
            },
            Self::LineStopped => &Text {
                title: "The line is stopped",
                meaning: "The line is stopped and starts no unit.",
                operator_short: "Line stopped. Wait for the engineer.",
                operator: "Keep the unit; it can run when the stop is acknowledged and the line goes on.",
                engineer: "Find and mend the cause that is shown with the stop, then acknowledge it.",
            },
            Self::LaneStopped => &Text {
                title: "This lane is out of use",
                meaning: "A part of this lane has failed, and it starts no unit.",
                operator_short: "Use another lane. Call the engineer.",
                operator: "Put the unit into another lane and call the engineer.",
                engineer: "Mend the part that is shown with the lane (doctor says what is wrong), then start the lane.",
            },
            Self::TooLate => &Text {
                title: "It no longer listens",
                meaning: "A unit listens for BlinkUp for a minute after it gets power; this one was started too late for that.",
                operator_short: "Lift the unit, then seat it again.",
                operator: "Lift the unit, seat it again, and start it within half a minute.",
                engineer: "If it comes often, start units as they are seated, or let a relay restart them.",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = (&'static str, &'static Text)> {
        let codes = VerdictCode::ALL.into_iter().map(|code| (code.as_str(), code.text()));
        codes.chain(
            Refusal::ALL
                .into_iter()
                .map(|refusal| (refusal.as_str(), refusal.text())),
        )
    }

    /// Lines that a text takes when it is broken at spaces.
    fn lines(text: &str, width: usize) -> usize {
        let mut lines = 1;
        let mut used = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            assert!(length <= width, "{word}");
            if used > 0 && used + 1 + length > width {
                lines += 1;
                used = 0;
            }
            used += length + usize::from(used > 0);
        }
        lines
    }

    #[test]
    fn every_short_text_fits_two_lines_of_the_screen() {
        for (code, text) in all() {
            let lines = lines(text.operator_short, Text::SHORT_LINE);
            assert!(lines <= 2, "{code}: {:?} takes {lines} lines", text.operator_short);
        }
    }

    #[test]
    fn every_code_says_what_it_is_what_to_do_and_what_to_check() {
        for (code, text) in all() {
            assert!((1..=40).contains(&text.title.chars().count()), "{code}: {}", text.title);
            assert!(!text.title.ends_with('.'), "{code}: {}", text.title);
            for sentence in [text.meaning, text.operator_short, text.operator, text.engineer] {
                assert!(
                    sentence.ends_with('.') || sentence.ends_with('?'),
                    "{code}: {sentence:?}"
                );
                assert!(
                    sentence.len() > 15 && sentence.trim() == sentence,
                    "{code}: {sentence:?}"
                );
                assert!(sentence.starts_with(char::is_uppercase), "{code}: {sentence:?}");
            }
        }
    }

    #[test]
    fn no_two_codes_have_the_same_title() {
        let mut titles: Vec<&str> = all().map(|(_, text)| text.title).collect();
        titles.sort_unstable();
        let count = titles.len();
        titles.dedup();
        assert_eq!(titles.len(), count);
    }

    #[test]
    fn what_to_do_says_the_outcome_that_the_code_has() {
        use crate::verdict::Outcome;
        for code in VerdictCode::ALL {
            let text = code.text();
            match code.outcome() {
                Outcome::Pass => assert!(text.operator.contains("with the passed units"), "{code}"),
                Outcome::Fail => assert!(text.operator_short.contains("aside as FAIL"), "{code}"),
                Outcome::Undecided => assert!(text.operator_short.contains("UNDECIDED"), "{code}"),
                Outcome::Error | Outcome::Aborted | Outcome::Interrupted => {
                    assert!(!text.operator_short.contains("FAIL"), "{code}: not the unit's fault");
                }
            }
        }
    }
}
