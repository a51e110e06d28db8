//! Who asks for a page, and from where: settled once for every request, before anything of it is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use fixture_ledger::people::{People, Person, Secret, Whereabouts};
use fixture_link::role::{Right, Role};

use super::Sources;
use super::api;
use super::door::Door;
use super::link::quoted;
use super::problem::Problem;
use super::study;

/// The cookie that holds a log-in where pages are encrypted: no other host and no unencrypted page can set it (RFC 6265bis, 4.1.3.2).
const COOKIE_OF_NETWORK: &str = "__Host-fixture";

/// The same at the line, where nothing is encrypted.
const COOKIE_OF_LINE: &str = "fixture";

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who it is, where that was proven.
    pub person: Option<Person>,
    /// Where.
    pub from: Whereabouts,
    /// What the browser holds, where it is logged in.
    pub holds: Option<Secret>,
}

tokio::task_local! {
    static ASKING: Visitor;
}

impl Visitor {
    /// Who asks for what is being answered now; outside of a request, nobody.
    pub fn asking() -> Self {
        ASKING.try_with(Clone::clone).unwrap_or(Self {
            person: None,
            from: Whereabouts::Network(String::new()),
            holds: None,
        })
    }

    /// What may be done. At the line everybody may look: it is where the screen hangs.
    pub fn role(&self) -> Option<Role> {
        match (&self.person, &self.from) {
            (Some(person), _) => Some(person.role),
            (None, Whereabouts::Line) => Some(Role::Viewer),
            (None, Whereabouts::Network(_)) => None,
        }
    }

    /// Whether that right is there.
    pub fn has(&self, right: Right) -> bool {
        self.role().is_some_and(|role| role.has(right))
    }

    /// What a form for this visitor carries, so that no other page can send it; empty where nobody is logged in.
    pub fn of_form(&self) -> String {
        self.holds.as_ref().map(Secret::of_form).unwrap_or_default()
    }

    /// The name in records.
    pub fn name(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.name)
    }

    async fn of(sources: &Sources, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Self, Response> {
        let from = match sources.door {
            Door::Line => Whereabouts::Line,
            Door::Network => {
                Whereabouts::Network(peer.map_or_else(String::new, |address| address.ip().to_canonical().to_string()))
            }
        };
        let nobody = |from| Self {
            person: None,
            from,
            holds: None,
        };
        let Some(people) = &sources.people else {
            return Ok(nobody(from));
        };
        let at = sources.clock.wall().as_microsecond();
        let broken = |error| Problem::broken(sources, &error).into_response();
        if let Some(header) = headers.get(header::AUTHORIZATION) {
            return match bearer(people, header.to_str().ok(), at).await.map_err(broken)? {
                Some(person) => Ok(Self {
                    person: Some(person),
                    from,
                    holds: None,
                }),
                None => Err(api::Problem::who(
                    "this token is not known here, has ended, or was taken away: expected Authorization: Bearer TOKEN",
                )
                .into_response()),
            };
        }
        let Some(secret) = held(headers, sources.door) else {
            return Ok(nobody(from));
        };
        match people.logged_in(&secret, &from, at).await.map_err(broken)? {
            Some(person) => Ok(Self {
                person: Some(person),
                from,
                holds: Some(secret),
            }),
            None => Ok(nobody(from)),
        }
    }
}

async fn bearer(
    people: &People,
    header: Option<&str>,
    at: i64,
) -> Result<Option<Person>, fixture_ledger::people::PeopleError> {
    match header.and_then(|header| header.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            people.by_token(&Secret::told(token.trim()), at).await
        }
        Some(_) | None => Ok(None),
    }
}

/// What the browser holds of a log-in.
fn held(headers: &HeaderMap, door: Door) -> Option<Secret> {
    let name = cookie_name(door);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| Secret::told(value))
}

const fn cookie_name(door: Door) -> &'static str {
    match door {
        Door::Line => COOKIE_OF_LINE,
        Door::Network => COOKIE_OF_NETWORK,
    }
}

/// The header that has the browser hold a log-in, or let it go.
pub fn cookie(door: Door, secret: Option<&Secret>) -> String {
    let (value, lasts) = match secret {
        Some(secret) => (secret.tell(), ""),
        None => ("", "; Max-Age=0"),
    };
    let secure = match door {
        Door::Line => "",
        Door::Network => "; Secure",
    };
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{lasts}",
        cookie_name(door)
    )
}

/// Settles who asks, for everything that is answered within.
pub async fn settle(sources: State<Arc<Sources>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| *address);
    let headers = request.headers().clone();
    match Visitor::of(&sources, &headers, peer).await {
        Ok(visitor) => {
            // Whoever may not look is told nothing of the fixture.
            if visitor.has(Right::Look) {
                ASKING.scope(visitor, study::said(&sources, next.run(request))).await
            } else {
                ASKING.scope(visitor, next.run(request)).await
            }
        }
        Err(refused) => refused,
    }
}

/// What an address needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: how one logs in, and what pages are drawn with.
    Nothing,
    /// To be logged in, as whatever.
    Somebody,
    /// A right.
    Right(Right),
}

/// Lets in whoever may.
pub async fn admit(State((sources, needs)): State<(Arc<Sources>, Needs)>, request: Request, next: Next) -> Response {
    let visitor = Visitor::asking();
    let may = match needs {
        Needs::Nothing => true,
        Needs::Somebody => visitor.person.as_ref().is_some_and(|person| person.account.is_some()),
        Needs::Right(right) => visitor.has(right),
    };
    if !may {
        return refused(&sources, &visitor, &request, needs);
    }
    let by_browser = request.headers().get(header::AUTHORIZATION).is_none();
    if *request.method() != Method::GET && *request.method() != Method::HEAD && by_browser && !is_own(request.headers())
    {
        return Problem::new(
            &sources,
            StatusCode::FORBIDDEN,
            "Not from this page",
            "The form was sent from another site, or does not say from where.".to_owned(),
            "Open the page here and send its form from there.",
        )
        .into_response();
    }
    next.run(request).await
}

/// Whether a browser says that a form comes from a page of this server.
fn is_own(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (said(header::ORIGIN), host) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
        (None, _) => headers
            .get("sec-fetch-site")
            .is_some_and(|site| site.as_bytes() == b"same-origin"),
    }
}

fn refused(sources: &Sources, visitor: &Visitor, request: &Request, needs: Needs) -> Response {
    let wanted = match needs {
        Needs::Nothing | Needs::Somebody => "be logged in",
        Needs::Right(right) => right.title(),
    };
    let path = request.uri().path();
    let by_program = path.starts_with(api::PATH) || request.headers().contains_key(header::AUTHORIZATION);
    match (&visitor.person, by_program) {
        (None, true) => api::Problem::who("log in, or send Authorization: Bearer TOKEN").into_response(),
        (Some(person), true) => api::Problem::not_allowed(format_args!(
            "{} is {}: that role may not {wanted}",
            person.name,
            person.role.title()
        ))
        .into_response(),
        (None, false) if *request.method() == Method::GET => {
            let then = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Redirect::to(&format!("/log-in?then={}", quoted(then))).into_response()
        }
        (None, false) => Problem::new(
            sources,
            StatusCode::UNAUTHORIZED,
            "Not logged in",
            "Nobody is logged in here any more; nothing was done.".to_owned(),
            "Log in, then do it again.",
        )
        .leading("/log-in", "Log in")
        .into_response(),
        (Some(person), false) => Problem::new(
            sources,
            StatusCode::FORBIDDEN,
            "Not allowed",
            format!(
                "{} is {}: that role may not {wanted}.",
                person.name,
                person.role.title()
            ),
            "Ask somebody who may, or have the administrator change your role.",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_form_is_taken_from_a_page_of_this_server_only() {
        let host = ("host", "line-1:8443");
        for own in [
            &[host, ("origin", "https://line-1:8443")][..],
            &[host, ("sec-fetch-site", "same-origin")],
        ] {
            assert!(is_own(&headers(own)), "{own:?}");
        }
        for foreign in [
            &[host][..],
            &[host, ("origin", "https://evil.example")],
            &[host, ("origin", "https://line-1:8443.evil.example")],
            &[host, ("origin", "null")],
            &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[host, ("sec-fetch-site", "same-site")],
            &[("origin", "https://line-1:8443")],
        ] {
            assert!(!is_own(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn a_log_in_is_found_among_other_cookies_and_only_under_the_doors_own_name() {
        let both = headers(&[("cookie", "a=b; fixture=line; __Host-fixture=net")]);
        assert_eq!(held(&both, Door::Line).unwrap().tell(), "line");
        assert_eq!(held(&both, Door::Network).unwrap().tell(), "net");
        assert_eq!(held(&headers(&[("cookie", "fixture=")]), Door::Line), None);
    }
}
