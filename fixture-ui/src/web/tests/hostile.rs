//! Requests that no page sends: whatever the table of addresses and the document of the interface know, with values that want to break out of
//! wherever they are put. Each must be answered, soon, by something that is no fault of the server and runs nothing in a browser.
//!
//! A million of them: `HOSTILE_REQUESTS=1000000 cargo test --workspace --lib -- hostile::requests`

use std::collections::BTreeSet;

use axum::http::Method;
use fixture_ledger::people::Secret;
use fixture_link::act::ActKind;
use fixture_link::role::Role;

use super::people::{Staffed, named, staffed_with};
use super::programs::mixed;
use super::*;
use crate::web::api::openapi;
use crate::web::routes;
use crate::web::visitor::cookie;

/// How many, unless told otherwise.
const REQUESTS: u64 = 2_000;

/// After so many, accounts and log-ins are made anew: some were taken away by requests.
const STAFFED_FOR: u64 = 2_000;

/// The longest that an answer may take.
const WITHIN: Duration = Duration::from_secs(20);

/// Markup that must never be found in a page as it was sent.
const MARKUP: [&str; 3] = [
    "<script>hostile()</script>",
    "\"><img src=x onerror=hostile()>",
    "'-hostile()-'<svg onload=hostile()>",
];

/// Random numbers that are the same everywhere (`SplitMix64`, Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::from_u128((u128::from(self.roll()) << 64) | u128::from(self.roll()))
    }

    /// A value for a field: seldom what is asked for.
    fn value(&mut self) -> String {
        match self.below(12) {
            0 => (*self.pick(&MARKUP)).to_owned(),
            1 => (*self.pick(&[
                "' OR 1=1 --",
                "'; DROP TABLE run; --",
                "=cmd|' /C calc'!A0",
                "%00",
                "..%2f..%2fetc%2fpasswd",
                "{{7*7}}",
                "\u{0}",
                "\r\nSet-Cookie: fixture=x",
                "\u{202e}SN\u{feff}",
                "\u{d7ff}\u{10ffff}",
                "%",
                "_",
            ]))
            .to_owned(),
            2 => (*self.pick(&[
                "0",
                "-1",
                "1",
                "8",
                "9",
                "255",
                "256",
                "65536",
                "2147483648",
                "9223372036854775807",
                "9223372036854775808",
                "-9223372036854775809",
                "1e309",
                "NaN",
                "inf",
                "0x10",
                "٣",
                "1.5",
                "+1",
                "00000000000000000001",
            ]))
            .to_owned(),
            3 => (*self.pick(&[
                "2026-09-21",
                "2026-02-29",
                "0000-00-00",
                "9999-12-31",
                "-9999-01-01",
                "10000-01-01",
                "2026-3-1",
                "2026-03-29",
                "2026-09-21T12:00:00Z",
                "today",
                "1789992000000000",
            ]))
            .to_owned(),
            4 => (*self.pick(&[
                "pass",
                "fail",
                "ok",
                "stuck-joining",
                "lamp-weak",
                "day",
                "hour",
                "lot",
                "lane",
                "golden",
                "oldest",
                "newest",
                "break",
                "scrap",
                "de",
                "admin",
            ]))
            .to_owned(),
            5 => (*self.pick(&["A-1", "SN-0004", "+SN-3", "L-1", "Role qa", "role OPERATOR", "Ana"])).to_owned(),
            6 => "A".repeat(self.below(3_000)),
            7 => "\u{1f4a1}".repeat(self.below(80)),
            8 => "01990000-0001-7000-8000-000000000001".to_owned(),
            9 => self.uuid().to_string(),
            10 => {
                let length = self.below(24);
                (0..length)
                    .map(|_| char::from_u32(u32::try_from(self.below(0x3000)).unwrap()).unwrap_or('\u{fffd}'))
                    .collect()
            }
            _ => String::new(),
        }
    }

    /// A text in an address: mostly quoted as it has to be, else as much of it as an address may hold.
    fn quoted(&mut self, text: &str) -> String {
        if self.one_in(6) {
            let plain = |letter: &char| {
                letter.is_ascii_graphic()
                    && !matches!(letter, '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
            };
            text.chars().filter(plain).collect()
        } else {
            super::super::link::quoted(text)
        }
    }

    fn fields(&mut self, names: &[String], most: usize) -> String {
        let count = self.below(most + 1);
        let fields: Vec<String> = (0..count)
            .map(|_| {
                let name = if self.one_in(12) {
                    self.value()
                } else {
                    self.pick(names).clone()
                };
                let value = self.value();
                format!("{}={}", self.quoted(&name), self.quoted(&value))
            })
            .collect();
        fields.join(*self.pick(&["&", "&", "&", "&&", ";"]))
    }

    /// An act as a program might send it, with something amiss.
    fn act(&mut self) -> String {
        let kind = *self.pick(&ActKind::ALL);
        let mut act = serde_json::Map::new();
        act.insert("kind".to_owned(), kind.as_str().into());
        for _ in 0..self.below(5) {
            let name = *self.pick(&[
                "lane",
                "serial",
                "reason",
                "note",
                "lot",
                "work_order",
                "name",
                "disposition",
                "mark",
                "part",
                "minutes",
                "language",
                "change",
            ]);
            let value = match self.below(5) {
                0 => self.roll().into(),
                1 => serde_json::Value::Null,
                2 => serde_json::json!([self.value(), {"x": self.value()}]),
                _ => self.value().into(),
            };
            act.insert(name.to_owned(), value);
        }
        let mut text = serde_json::json!({"id": self.uuid().to_string(), "act": act}).to_string();
        if self.one_in(4) {
            let at = self.below(text.len());
            if text.is_char_boundary(at) {
                let put = self.value();
                text.insert_str(at, &put);
            }
        }
        text
    }
}

/// The names of fields that forms and addresses have.
fn names() -> Vec<String> {
    let mut names: BTreeSet<String> = [
        "id",
        "form",
        "class",
        "reason",
        "lane",
        "serial",
        "note",
        "lot",
        "work_order",
        "name",
        "disposition",
        "mark",
        "part",
        "minutes",
        "language",
        "back",
        "then",
        "password",
        "pin",
        "badge",
        "role",
        "code",
        "again",
        "number",
        "days",
        "done",
        "by",
        "kind",
        "answer",
        "page",
        "rule",
        "led",
        "after",
        "of",
    ]
    .map(str::to_owned)
    .into();
    let document = openapi::document();
    for path in document["paths"].as_object().unwrap().values() {
        let parameters = path["get"]["parameters"].as_array();
        names.extend(
            parameters
                .into_iter()
                .flatten()
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned()),
        );
    }
    names.into_iter().collect()
}

/// Who asks.
struct Held {
    secrets: Vec<Secret>,
    tokens: Vec<Secret>,
}

async fn held(fixture: &Staffed) -> Held {
    let mut held = Held {
        secrets: Vec::new(),
        tokens: Vec::new(),
    };
    for role in Role::ALL {
        held.secrets.push(fixture.log_in(role).await);
        let ends = fixture.at() + 1_000_000_000;
        let name = named(role);
        let token = fixture.people.make_token(&name, role, "Ana", fixture.at(), ends);
        held.tokens.push(token.await.unwrap());
    }
    held
}

struct Address {
    method: Method,
    path: &'static str,
}

fn request(dice: &mut Dice, address: &Address, names: &[String], held: &Held, door: Door) -> Option<Request<Body>> {
    let mut path = address.path.to_owned();
    for place in ["{id}", "{serial}"] {
        let value = dice.value();
        path = path.replace(place, &dice.quoted(&value));
    }
    let query = dice.fields(names, 4);
    if !query.is_empty() {
        path = format!("{path}?{query}");
    }
    let method = if dice.one_in(20) {
        dice.pick(&[
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::OPTIONS,
        ])
        .clone()
    } else {
        address.method.clone()
    };
    let mut request = Request::builder()
        .method(&method)
        .uri(path)
        .header(header::HOST, "localhost:8080");
    if !dice.one_in(8) {
        request = request.header(header::ORIGIN, "http://localhost:8080");
    }
    let mut form = String::new();
    match dice.below(8) {
        0 => {}
        1 => request = request.header(header::COOKIE, format!("fixture={}; __Host-fixture=;;=;", dice.roll())),
        2 => {
            let token = dice.pick(&held.tokens).tell();
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        3 => {
            request = request.header(
                header::AUTHORIZATION,
                *dice.pick(&["Bearer", "Bearer ", "Basic YTpi", "bearer \t x"]),
            );
        }
        _ => {
            let secret = dice.pick(&held.secrets);
            let cookie = cookie(door, Some(secret));
            request = request.header(header::COOKIE, cookie.split(';').next().unwrap());
            if !dice.one_in(6) {
                form = format!("form={}&", secret.of_form());
            }
        }
    }
    let body = if method != Method::POST {
        Body::empty()
    } else if address.path == "/api/v1/acts" {
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(dice.act())
    } else if dice.one_in(20) {
        request = request.header(
            header::CONTENT_TYPE,
            *dice.pick(&[
                "text/plain",
                "multipart/form-data; boundary=x",
                "application/x-www-form-urlencoded",
            ]),
        );
        let length = dice.below(200);
        Body::from((0..length).map(|_| dice.roll().to_le_bytes()[0]).collect::<Vec<_>>())
    } else {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        Body::from(format!("{form}{}", dice.fields(names, 6)))
    };
    // What is no address at all is refused before it gets here.
    request.body(body).ok()
}

#[tokio::test]
async fn requests_that_want_to_do_harm_are_answered_and_do_none() {
    let asked: u64 = std::env::var("HOSTILE_REQUESTS").map_or(REQUESTS, |text| text.parse().unwrap());
    let seed: u64 = std::env::var("HOSTILE_SEED").map_or(1, |text| text.parse().unwrap());
    let mut dice = Dice(seed);
    let names = names();
    let addresses: Vec<Address> = routes::all()
        .into_iter()
        .map(|route| Address {
            method: route.method,
            path: route.path,
        })
        .collect();
    let (_folder, path) = mixed().await;
    let (mut sent, mut answers) = (0, std::collections::BTreeMap::<u16, u64>::new());
    while sent < asked {
        let door = if dice.one_in(2) { Door::Network } else { Door::Line };
        let fixture = staffed_with(door, &path).await;
        let held = held(&fixture).await;
        let server = router(fixture.sources.clone());
        let until = (sent + STAFFED_FOR).min(asked);
        while sent < until {
            let address = dice.pick(&addresses);
            let Some(request) = request(&mut dice, address, &names, &held, door) else {
                continue;
            };
            sent += 1;
            let told = format!("seed {seed}, request {sent}: {} {}", request.method(), request.uri());
            let answer = tokio::time::timeout(WITHIN, async {
                let response = server.clone().oneshot(request).await.unwrap();
                let (status, headers) = (response.status(), response.headers().clone());
                // The live page's events never end.
                let body = if address.path == "/events" {
                    Vec::new()
                } else {
                    axum::body::to_bytes(response.into_body(), 40_000_000)
                        .await
                        .unwrap()
                        .to_vec()
                };
                (status, headers, body)
            });
            let (status, headers, body) = answer
                .await
                .unwrap_or_else(|_| panic!("{told}: no answer within {WITHIN:?}"));
            *answers.entry(status.as_u16()).or_default() += 1;
            let is_away = status == StatusCode::SERVICE_UNAVAILABLE;
            assert!(
                !status.is_server_error() || is_away,
                "{told}: {status}: {}",
                String::from_utf8_lossy(&body)
            );
            let is_page = headers
                .get(header::CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
            if is_page {
                let page = String::from_utf8(body).unwrap();
                for markup in MARKUP {
                    assert!(!page.contains(markup), "{told}: {markup} in {page}");
                }
                assert!(
                    headers.contains_key(header::CONTENT_SECURITY_POLICY),
                    "{told}: no policy"
                );
            }
            assert!(
                headers
                    .get_all(header::SET_COOKIE)
                    .iter()
                    .all(|cookie| cookie.to_str().is_ok_and(|cookie| cookie.contains("HttpOnly"))),
                "{told}: {headers:?}"
            );
        }
    }
    println!("{sent} requests, by status: {answers:?}");
    // They get in: else they would only have tried the door.
    assert!(
        answers.get(&200).is_some_and(|count| *count > asked / 50),
        "{answers:?}"
    );
    assert!(
        answers.get(&400).is_some_and(|count| *count > asked / 50),
        "{answers:?}"
    );
    assert!(
        answers.get(&303).is_some_and(|count| *count > asked / 200),
        "{answers:?}"
    );
}
