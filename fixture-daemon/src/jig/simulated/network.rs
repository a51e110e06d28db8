//! The model network: what lets a unit through, step by step.

use blinkup::packet::{Settings, Wifi};

use super::fault::Fault;

/// A step on the way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Looks for the network's name.
    Search,
    /// Joins with its password.
    Join,
    /// Asks for an address.
    Address,
    /// Resolves the server's name.
    Name,
    /// Opens the connection.
    Server,
}

impl Step {
    /// The step after this one.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Search => Some(Self::Join),
            Self::Join => Some(Self::Address),
            Self::Address => Some(Self::Name),
            Self::Name => Some(Self::Server),
            Self::Server => None,
        }
    }

    /// The status code that a unit shows meanwhile.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Search => "searching-for-wifi",
            Self::Join => "joining-wifi",
            Self::Address => "getting-ip-address",
            Self::Name => "resolving-server-name",
            Self::Server => "connecting-to-server",
        }
    }
}

/// The line's network.
#[derive(Debug, Clone)]
pub struct Network {
    wifi: Option<Wifi>,
    /// What is wrong with it now.
    troubles: Vec<Fault>,
}

impl Network {
    /// A network that takes units with these settings.
    pub fn new(wifi: Option<Wifi>) -> Self {
        Self {
            wifi,
            troubles: Vec::new(),
        }
    }

    /// What is wrong with it from now on.
    pub fn trouble(&mut self, troubles: Vec<Fault>) {
        self.troubles = troubles;
    }

    /// Whether a unit with what it decoded from the light, and perhaps a fault of its own, gets through a step.
    pub fn admits(&self, step: Step, settings: &Settings, own: Option<Fault>) -> bool {
        let trouble = |fault| own == Some(fault) || self.troubles.contains(&fault);
        match step {
            Step::Search => {
                let known = match (&self.wifi, &settings.wifi) {
                    (Some(here), Some(wanted)) => here.ssid == wanted.ssid,
                    (None, _) | (Some(_), None) => false,
                };
                known && !trouble(Fault::NoNetwork)
            }
            Step::Join => {
                let same = match (&self.wifi, &settings.wifi) {
                    (Some(here), Some(wanted)) => here.password == wanted.password,
                    (None, _) | (Some(_), None) => false,
                };
                same && !trouble(Fault::WrongPassword)
            }
            Step::Address => settings.address.is_some() || !trouble(Fault::NoDhcp),
            Step::Name => !trouble(Fault::NoDns),
            Step::Server => !trouble(Fault::PortBlocked),
        }
    }
}

#[cfg(test)]
mod tests {
    use blinkup::packet::{Password, Ssid};

    use super::*;

    fn settings(ssid: &str, password: &str) -> Settings {
        Settings {
            wifi: Some(Wifi {
                ssid: Ssid::new(ssid).unwrap(),
                password: Password::new(password).unwrap(),
            }),
            ..Settings::default()
        }
    }

    #[test]
    fn name_and_password_are_taken_exactly_as_given() {
        let network = Network::new(settings("line", "Secret").wifi);
        assert!(network.admits(Step::Search, &settings("line", "Secret"), None));
        assert!(!network.admits(Step::Search, &settings("Line", "Secret"), None));
        assert!(network.admits(Step::Join, &settings("line", "Secret"), None));
        assert!(!network.admits(Step::Join, &settings("line", "secret"), None));
        assert!(!network.admits(Step::Join, &settings("line", "Secret"), Some(Fault::WrongPassword)));
    }

    #[test]
    fn each_trouble_closes_its_own_step_only() {
        let mut network = Network::new(settings("line", "Secret").wifi);
        let way = [Step::Search, Step::Join, Step::Address, Step::Name, Step::Server];
        for (trouble, closed) in [
            (Fault::NoNetwork, Step::Search),
            (Fault::WrongPassword, Step::Join),
            (Fault::NoDhcp, Step::Address),
            (Fault::NoDns, Step::Name),
            (Fault::PortBlocked, Step::Server),
        ] {
            network.trouble(vec![trouble]);
            for step in way {
                assert_eq!(network.admits(step, &settings("line", "Secret"), None), step != closed);
            }
        }
    }
}
