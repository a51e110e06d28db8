//! `[network]`: what of the line's network is looked at, and where.

use core::net::SocketAddr;
use std::net::IpAddr;

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::Source;
use super::lasting::Lasting;
use crate::engine::recipe::Recipe;
use crate::network::{Check, IMP_PORT, Module, Page};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNetwork {
    server: Spanned<String>,
    port: Option<Spanned<u64>>,
    name_servers: Option<Vec<Spanned<String>>>,
    patience: Option<Spanned<Lasting>>,
    module: Option<Module>,
    interface: Option<Spanned<String>>,
    portal: Option<RawPortal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPortal {
    url: Spanned<String>,
    #[serde(default)]
    begins: String,
}

/// The longest name of a host (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

/// The longest name of an interface (`IFNAMSIZ` without its end).
const LONGEST_INTERFACE: usize = 15;

pub fn network(source: Source<'_>, raw: &RawNetwork, recipe: &Recipe) -> Result<Check, Mistake> {
    let server = host(source, &raw.server, raw.server.get_ref())?;
    let name_servers =
        raw.name_servers
            .iter()
            .flatten()
            .map(|server| {
                let address: IpAddr = server.get_ref().parse().map_err(|_| {
                    source.mistake(server, format!("expected an IP address, found {:?}", server.get_ref()))
                })?;
                Ok(SocketAddr::new(address, 53))
            })
            .collect::<Result<_, Mistake>>()?;
    let interface = raw
        .interface
        .as_ref()
        .map(|interface| {
            let name = interface.get_ref();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
            if (1..=LONGEST_INTERFACE).contains(&name.len()) && name.chars().all(plain) {
                Ok(name.clone())
            } else {
                Err(source.mistake(
                    interface,
                    format!("expected the name of an interface such as \"wlan0\", found {name:?}"),
                ))
            }
        })
        .transpose()?;
    Ok(Check {
        server,
        port: source.count(raw.port.as_ref(), u64::from(IMP_PORT), 1, 65535)?,
        name_servers,
        portal: raw.portal.as_ref().map(|portal| page(source, portal)).transpose()?,
        patience: source.lasting(raw.patience.as_ref(), 3000, 100, 20_000)?,
        module: raw.module,
        ssid: recipe.wifi.as_ref().map(|wifi| wifi.ssid.as_str().to_owned()),
        interface,
    })
}

fn page(source: Source<'_>, raw: &RawPortal) -> Result<Page, Mistake> {
    let rest = raw.url.get_ref().strip_prefix("http://").ok_or_else(|| {
        source.mistake(
            &raw.url,
            "expected an address that starts with http://: a portal cannot answer in the place of a page with TLS",
        )
    })?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (name, port) = match authority.split_once(':') {
        None => (authority, 80),
        Some((name, port)) => (
            name,
            port.parse()
                .map_err(|_| source.mistake(&raw.url, format!("expected a port, found {port:?}")))?,
        ),
    };
    if path.chars().any(|letter| !letter.is_ascii_graphic()) {
        return Err(source.mistake(&raw.url, "expected a path of printable letters without spaces"));
    }
    Ok(Page {
        host: host(source, &raw.url, name)?,
        port,
        path: path.to_owned(),
        begins: raw.begins.clone(),
    })
}

fn host<T>(source: Source<'_>, place: &Spanned<T>, name: &str) -> Result<String, Mistake> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
    if (1..=LONGEST_HOST).contains(&name.len()) && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(source.mistake(place, format!("expected the name of a host, found {name:?}")))
    }
}
