//! What goes with every answer: nothing foreign may run, frame or keep a page, or read it under a name of its own.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::door::Door;

/// Everything comes from this server; nothing inline; nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer. Pages are never kept: an old PASS must not come back out of a cache.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With "no-referrer" a browser says of a form that it comes from "null".
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds them, and answers at the line only where a page was asked for under a name of this machine: whoever is there may look without logging in,
/// and a foreign name that somebody let point to it would hand the pages to foreign ones ("DNS rebinding"). From the network everybody logs in, and
/// a log-in is the browser's for the one name that it was made under.
pub async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let misnamed = match door {
        Door::Line => foreign(&request),
        Door::Network => None,
    };
    let mut response = match misnamed {
        None => next.run(request).await,
        Some(name) => misdirected(&name),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The first name that the request gives this server and that is not this machine's.
fn foreign(request: &Request) -> Option<String> {
    let hosts = request.headers().get_all(header::HOST);
    let hosts = hosts
        .iter()
        .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let addressed = request.uri().authority().map(ToString::to_string);
    hosts.chain(addressed).find(|name| !is_here(name))
}

/// Whether a host, with or without a port, is a loopback address or the name of one (RFC 6761, section 6.3).
fn is_here(name: &str) -> bool {
    let (here, port) = if let Some((host, port)) = name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let here = host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
        (here, port)
    } else {
        let (host, port) = name.split_at(name.find(':').unwrap_or(name.len()));
        let address = host.parse::<Ipv4Addr>();
        let here = host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
        (here, port)
    };
    here && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

fn misdirected(name: &str) -> Response {
    let name: String = name.chars().take(100).collect();
    let said = format!(
        "These pages answer only at localhost, 127.0.0.1 and [::1], with any port; they were asked for at {name:?}.\n\
         Open http://localhost with the port that the fixture's configuration names, at the fixture or through a tunnel to it.\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, said).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_and_localhost_are_here() {
        for here in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.9.8.7:65535",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_here(here), "{here}");
        }
        for foreign in [
            "",
            ":8080",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:8080",
            "192.168.1.2:8080",
            "0.0.0.0",
            "[::2]:8080",
            "[::1",
            "[::1]x",
            "::1",
            "localhost:port",
            "localhost:80:80",
            "user@localhost",
        ] {
            assert!(!is_here(foreign), "{foreign}");
        }
    }
}
