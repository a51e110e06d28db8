//! The line's network, looked at from the fixture itself, so that its fault is told from a unit's.
//!
//! Small probes ([`probe`]) gather [`Facts`]; what they mean is judged by a pure function. What the vendor's modules need:
//! developer.electricimp.com, "Network Requirements For imp-enabled Devices" (DHCP, DNS, TCP 31314 out, no captive portal) and "imp.net"
//! (bands). No recipe of this fixture ever asks for WPS, which an imp005 cannot do.

pub mod air;
pub mod dns;
pub mod probe;
pub mod watch;

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use air::{Band, Station};

/// The port that modules reach their cloud by.
pub const IMP_PORT: u16 = 31314;

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The host that the modules connect to.
    pub server: String,
    /// Its port, 31314.
    pub port: u16,
    /// The name servers to ask; none: those of the machine.
    pub name_servers: Vec<SocketAddr>,
    /// A page without TLS that is known to answer, and with what; none: no such page is asked for.
    pub portal: Option<Page>,
    /// How long each probe may take.
    pub patience: Duration,
    /// What the units' modules are, where that is told.
    pub module: Option<Module>,
    /// The Wi-Fi network of the recipe, where it has one.
    pub ssid: Option<String>,
    /// The interface whose last scan is read.
    pub interface: Option<String>,
}

/// A page that is known to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, with its slash.
    pub path: String,
    /// How its content begins; empty where the answer is 204 without one.
    pub begins: String,
}

/// A vendor's module, as far as it matters to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Module {
    /// Wi-Fi at 2.4 GHz.
    Imp001,
    /// Wi-Fi at 2.4 GHz.
    Imp002,
    /// Wi-Fi at 2.4 GHz.
    Imp003,
    /// Wi-Fi at 2.4 GHz.
    Imp004m,
    /// Wi-Fi at 2.4 and 5 GHz, Ethernet.
    Imp005,
    /// Wi-Fi at 2.4 GHz, at 2.4 and 5 GHz, or none, as the product was built; cellular.
    Imp006,
    /// Cellular.
    Impc001,
}

impl Module {
    /// Whether a module is known not to hear a band. An imp006's radio is the product's choice, so nothing is known of it.
    fn is_deaf_to(self, band: Band) -> bool {
        match (self, band) {
            (Self::Imp001 | Self::Imp002 | Self::Imp003 | Self::Imp004m, Band::Five | Band::Six) => true,
            (Self::Imp005 | Self::Imp006, Band::Six) => true,
            (Self::Impc001, Band::TwoPointFour | Band::Five | Band::Six) => true,
            (Self::Imp001 | Self::Imp002 | Self::Imp003 | Self::Imp004m, Band::TwoPointFour)
            | (Self::Imp005 | Self::Imp006, Band::TwoPointFour | Band::Five) => false,
        }
    }
}

/// What the probes found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The fixture's own address.
    pub address: Address,
    /// Where it has it from.
    pub lease: Lease,
    /// The server's name.
    pub name: Name,
    /// The server's port.
    pub reach: Reach,
    /// The page.
    pub portal: Portal,
    /// What the last scan heard; `None` where the host tells none.
    pub air: Option<Vec<Station>>,
}

/// The fixture's own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// From a DHCP server, or set by hand.
    Has(IpAddr),
    /// Made up by the host, because no DHCP server answered (RFC 3927).
    MadeUp(IpAddr),
    /// No way out of the machine.
    None(String),
}

/// Where the fixture's own address comes from, as the kernel holds it. A lease says that a DHCP server answered when it was given or last
/// renewed, and not that one would answer a unit now; no question is sent to find that out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It was given for a time, of which so much is left.
    Until(Duration),
    /// It was set by hand: nothing is known of a DHCP server.
    ByHand,
    /// The machine does not tell.
    Unknown,
}

/// What the name servers say about the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Its addresses.
    Found(Vec<IpAddr>),
    /// It has none.
    Unknown(String),
    /// None of them answered.
    Silent(String),
    /// The machine knows no name server.
    NoServer,
}

/// What became of a connection to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It was accepted.
    Accepted(SocketAddr),
    /// It was refused, or nobody answered.
    Failed(String),
    /// Without an address nobody was called.
    NotTried,
}

/// What became of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portal {
    /// The page's own answer came.
    Free,
    /// Somebody else answered in its place.
    Captive(String),
    /// No answer; says nothing about a portal.
    Silent(String),
    /// There was none to ask for.
    NotAsked,
}

/// What the facts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What keeps units from connecting; the first one is the likely cause of the others.
    pub faults: Vec<Finding>,
    /// What may.
    pub doubts: Vec<Finding>,
    /// What was measured, in one line.
    pub measured: String,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is so.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

fn finding(what: impl Into<String>, remedy: &'static str) -> Finding {
    Finding {
        what: what.into(),
        remedy,
    }
}

impl Judgement {
    /// The faults in one line; `None` where there is none.
    pub fn fault(&self) -> Option<String> {
        (!self.faults.is_empty()).then(|| {
            let said: Vec<&str> = self.faults.iter().map(|fault| fault.what.as_str()).collect();
            said.join("; ")
        })
    }
}

/// What the facts mean for units of this check.
pub fn judge(check: &Check, facts: &Facts) -> Judgement {
    let mut faults = Vec::new();
    let mut doubts = Vec::new();
    match &facts.address {
        Address::Has(_) => {}
        Address::MadeUp(address) => faults.push(finding(
            format!("no DHCP server gave an address (the fixture made up {address})"),
            "check that the DHCP server runs and has addresses left, and the cable or the access point between",
        )),
        Address::None(why) => faults.push(finding(
            format!("the fixture has no address and no way out ({why})"),
            "plug in the network cable, or check the fixture's Wi-Fi, and the DHCP server",
        )),
    }
    match &facts.name {
        Name::Found(_) => {}
        Name::Unknown(why) => faults.push(finding(
            format!("{} is not found by the name server ({why})", check.server),
            "check the name server's forwarding and filters",
        )),
        Name::Silent(why) => faults.push(finding(
            format!("no name server answers ({why})"),
            "check the name server that DHCP gives out, and that UDP port 53 is let through",
        )),
        Name::NoServer => faults.push(finding(
            "the fixture was given no name server",
            "let DHCP give out a name server, or set one",
        )),
    }
    if let Reach::Failed(why) = &facts.reach {
        faults.push(finding(
            format!("TCP port {} to {} is not let out ({why})", check.port, check.server),
            "let the firewall pass TCP port 31314 to the Internet",
        ));
    }
    match &facts.portal {
        Portal::Free | Portal::NotAsked => {}
        Portal::Captive(what) => faults.push(finding(
            format!("a captive portal answers ({what})"),
            "give the line a network without a sign-in page",
        )),
        Portal::Silent(why) => doubts.push(finding(
            format!("the page that would show a captive portal does not answer ({why})"),
            "nothing, if web pages are closed on purpose",
        )),
    }
    if let (Some(ssid), Some(air)) = (&check.ssid, &facts.air) {
        let of_it: Vec<&Station> = air.iter().filter(|station| station.ssid == *ssid).collect();
        if of_it.is_empty() {
            doubts.push(finding(
                format!("the fixture does not hear the Wi-Fi network {ssid:?}"),
                "check the access point, and the spelling of the network's name in the recipe",
            ));
        } else if let Some(module) = check.module
            && of_it.iter().all(|station| module.is_deaf_to(station.band))
        {
            let bands: Vec<&str> = of_it.iter().map(|station| station.band.worded()).collect();
            faults.push(finding(
                format!(
                    "the Wi-Fi network {ssid:?} is on {} only, which {module:?} units do not hear",
                    unique(bands)
                ),
                "switch on 2.4 GHz at the access point",
            ));
        }
    }
    Judgement {
        faults,
        doubts,
        measured: measured(check, facts),
    }
}

fn unique(mut words: Vec<&str>) -> String {
    words.sort_unstable();
    words.dedup();
    words.join(" and ")
}

fn measured(check: &Check, facts: &Facts) -> String {
    let mut said = vec![match &facts.address {
        Address::Has(address) => match facts.lease {
            Lease::Until(left) => format!("address {address} by DHCP for {} min more", left.as_secs() / 60),
            Lease::ByHand => format!("address {address} set by hand (DHCP not measured)"),
            Lease::Unknown => format!("address {address} (whether by DHCP is not known)"),
        },
        Address::MadeUp(_) | Address::None(_) => "no address".to_owned(),
    }];
    if let Name::Found(addresses) = &facts.name {
        said.push(match addresses.first() {
            Some(first) => format!("{} is {first}", check.server),
            None => format!("{} has no address", check.server),
        });
    }
    if let Reach::Accepted(address) = &facts.reach {
        said.push(format!("{address} accepts"));
    }
    if facts.portal == Portal::Free {
        said.push("no captive portal".to_owned());
    }
    if let (Some(ssid), Some(air)) = (&check.ssid, &facts.air) {
        let bands: Vec<&str> = air
            .iter()
            .filter(|station| station.ssid == *ssid)
            .map(|station| station.band.worded())
            .collect();
        if !bands.is_empty() {
            said.push(format!("{ssid:?} heard on {}", unique(bands)));
        }
    }
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> Check {
        Check {
            server: "imp.example".to_owned(),
            port: IMP_PORT,
            name_servers: Vec::new(),
            portal: None,
            patience: Duration::from_secs(1),
            module: Some(Module::Imp003),
            ssid: Some("Line 1".to_owned()),
            interface: None,
        }
    }

    fn heard(ssid: &str, band: Band) -> Station {
        Station {
            ssid: ssid.to_owned(),
            band,
        }
    }

    fn good() -> Facts {
        Facts {
            address: Address::Has([10, 0, 0, 7].into()),
            lease: Lease::Until(Duration::from_mins(50)),
            name: Name::Found(vec![[192, 0, 2, 9].into()]),
            reach: Reach::Accepted(([192, 0, 2, 9], IMP_PORT).into()),
            portal: Portal::Free,
            air: Some(vec![heard("Line 1", Band::TwoPointFour), heard("Line 1", Band::Five)]),
        }
    }

    #[test]
    fn a_good_network_gives_no_fault_and_says_what_was_measured() {
        let judgement = judge(&check(), &good());
        assert_eq!((judgement.fault(), judgement.doubts.len()), (None, 0));
        assert_eq!(
            judgement.measured,
            "address 10.0.0.7 by DHCP for 50 min more, imp.example is 192.0.2.9, 192.0.2.9:31314 accepts, no captive portal, \
             \"Line 1\" heard on 2.4 GHz and 5 GHz"
        );
    }

    #[test]
    fn what_is_known_of_dhcp_is_said_and_no_more() {
        let said = |lease| {
            let facts = Facts { lease, ..good() };
            judge(&check(), &facts).measured
        };
        assert!(said(Lease::ByHand).starts_with("address 10.0.0.7 set by hand (DHCP not measured), "));
        assert!(said(Lease::Unknown).starts_with("address 10.0.0.7 (whether by DHCP is not known), "));
    }

    type Spoil = fn(&mut Facts);

    #[test]
    fn every_fault_is_named_by_itself() {
        let cases: [(Spoil, &str); 7] = [
            (
                |facts| facts.address = Address::MadeUp([169, 254, 3, 4].into()),
                "no DHCP server",
            ),
            (
                |facts| facts.address = Address::None("unreachable".to_owned()),
                "no way out",
            ),
            (
                |facts| facts.name = Name::Unknown("NXDOMAIN".to_owned()),
                "not found by the name server",
            ),
            (
                |facts| facts.name = Name::Silent("timed out".to_owned()),
                "no name server answers",
            ),
            (|facts| facts.name = Name::NoServer, "given no name server"),
            (
                |facts| facts.reach = Reach::Failed("timed out".to_owned()),
                "TCP port 31314 to imp.example",
            ),
            (
                |facts| facts.portal = Portal::Captive("302 to login.example".to_owned()),
                "captive portal",
            ),
        ];
        for (spoil, said) in cases {
            let mut facts = good();
            spoil(&mut facts);
            let judgement = judge(&check(), &facts);
            assert_eq!(judgement.faults.len(), 1, "{said}");
            assert!(judgement.fault().unwrap().contains(said), "{:?}", judgement.fault());
        }
    }

    #[test]
    fn a_network_on_5_ghz_fits_an_imp005_and_not_an_imp003() {
        let mut facts = good();
        facts.air = Some(vec![heard("Line 1", Band::Five), heard("Office", Band::TwoPointFour)]);
        assert!(judge(&check(), &facts).fault().unwrap().contains("5 GHz only"));
        let both_bands = Check {
            module: Some(Module::Imp005),
            ..check()
        };
        assert_eq!(judge(&both_bands, &facts).fault(), None);
        let unknown = Check {
            module: None,
            ..check()
        };
        assert_eq!(judge(&unknown, &facts).fault(), None);
    }

    #[test]
    fn a_network_that_only_the_fixture_may_not_hear_is_a_doubt() {
        let mut facts = good();
        facts.air = Some(vec![]);
        let judgement = judge(&check(), &facts);
        assert_eq!((judgement.faults.len(), judgement.doubts.len()), (0, 1));
        facts.air = None;
        assert_eq!(judge(&check(), &facts).doubts, []);
    }
}
