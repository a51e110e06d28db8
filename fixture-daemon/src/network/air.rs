//! What a Wi-Fi interface heard in its last scan, as `iw dev INTERFACE scan dump` prints it.

/// A band of Wi-Fi channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Channels 1 to 14.
    TwoPointFour,
    /// Channels 32 to 177.
    Five,
    /// Wi-Fi 6E.
    Six,
}

impl Band {
    /// The band of a channel's centre, in MHz (IEEE 802.11-2020, annex E).
    fn of(megahertz: u32) -> Option<Self> {
        match megahertz {
            2401..=2495 => Some(Self::TwoPointFour),
            5150..=5924 => Some(Self::Five),
            5925..=7125 => Some(Self::Six),
            _ => None,
        }
    }

    /// As people call it.
    pub fn worded(self) -> &'static str {
        match self {
            Self::TwoPointFour => "2.4 GHz",
            Self::Five => "5 GHz",
            Self::Six => "6 GHz",
        }
    }
}

/// One access point's network on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The network's name; empty where it is hidden.
    pub ssid: String,
    /// The band.
    pub band: Band,
}

/// The stations in what `iw` printed. A station whose frequency makes no sense is left out.
pub fn stations(printed: &str) -> Vec<Station> {
    let mut found = Vec::new();
    let mut current: Option<(Option<Band>, Option<String>)> = None;
    let mut keep = |station: Option<(Option<Band>, Option<String>)>| {
        if let Some((Some(band), ssid)) = station {
            found.push(Station {
                ssid: ssid.unwrap_or_default(),
                band,
            });
        }
    };
    for line in printed.lines() {
        if line.starts_with("BSS ") {
            keep(current.replace((None, None)));
            continue;
        }
        // Only the station's own lines are indented once; a neighbour's name in a report is deeper.
        let Some(own) = line.strip_prefix('\t').filter(|own| !own.starts_with(['\t', ' '])) else {
            continue;
        };
        let Some((band, ssid)) = &mut current else { continue };
        if let Some(frequency) = own.strip_prefix("freq: ") {
            // Newer ones print 2437.0.
            let whole = frequency.trim().split('.').next().unwrap_or_default();
            *band = whole.parse().ok().and_then(Band::of);
        } else if let Some(name) = own.strip_prefix("SSID: ") {
            *ssid = Some(unescaped(name));
        }
    }
    keep(current);
    found
}

/// `iw` prints bytes that are not printable ASCII, the backslash, and spaces at the ends as `\xNN` (its `print_ssid_escaped`).
fn unescaped(printed: &str) -> String {
    let mut bytes = Vec::with_capacity(printed.len());
    let mut rest = printed.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match after {
            [b'x', high, low, ..] if *first == b'\\' => core::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = after.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "BSS 02:00:00:00:00:01(on wlan0) -- associated\n\
        \tlast seen: 312.004s [boottime]\n\tfreq: 2437\n\tsignal: -41.00 dBm\n\tSSID: Line 1\n\
        \tRSN:\t * Version: 1\n\t\t * Group cipher: CCMP\n\
        BSS 02:00:00:00:00:02(on wlan0)\n\tfreq: 5180.0\n\tSSID: F\\xc3\\xbc\\xc3\\x9fe \\\\x\n\t\tSSID: not its own\n\
        BSS 02:00:00:00:00:03(on wlan0)\n\tfreq: 5955\n\tSSID: \n\
        BSS 02:00:00:00:00:04(on wlan0)\n\tfreq: 17\n\tSSID: nonsense\n";

    #[test]
    fn names_and_bands_are_read_from_a_scan() {
        let found: Vec<(String, Band)> = stations(PRINTED)
            .into_iter()
            .map(|station| (station.ssid, station.band))
            .collect();
        assert_eq!(
            found,
            [
                ("Line 1".to_owned(), Band::TwoPointFour),
                ("Füße \\\\x".to_owned(), Band::Five),
                (String::new(), Band::Six),
            ]
        );
    }

    #[test]
    fn what_is_no_scan_has_no_stations() {
        assert_eq!(stations("command failed: No such device (-19)\n"), []);
        assert_eq!(stations(""), []);
    }
}
