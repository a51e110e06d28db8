//! Who may do what: every address by every role, log-ins, forms and tokens.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::Method;
use axum::routing::post;
use axum::{Json, Router};
use fixture_ledger::people::{People, Proof, Secret, Whereabouts};
use fixture_link::act::{Act, ActAnswer, ActRequest, RecipeChange};
use fixture_link::role::Role;
use fixture_link::{VERSION, VERSION_HEADER};

use super::*;
use crate::web::routes::{self, Route};

/// What the documents say of every address.
const TABLE: &str = include_str!("../../../../docs/people.md");

const WORDS: &str = "correct horse battery";

/// A fixture with an account of each role, and a daemon that does what it is asked.
pub(super) struct Staffed {
    folder: tempfile::TempDir,
    pub(super) people: Arc<People>,
    pub(super) sources: Sources,
    asked: Arc<Mutex<Vec<ActRequest>>>,
}

/// What `done` and refusals of the daemon are.
async fn staffed(door: Door) -> Staffed {
    staffed_with(door, Path::new("/nowhere/none.db")).await
}

/// The same with a ledger.
pub(super) async fn staffed_with(door: Door, ledger: &Path) -> Staffed {
    let folder = tempfile::tempdir().unwrap();
    let people = Arc::new(People::open(&folder.path().join("people.db")).await.unwrap());
    let at = Clock::start().wall().as_microsecond();
    people
        .make_first_admin("Role admin", Secret::told(WORDS), at)
        .await
        .unwrap();
    for role in [Role::Viewer, Role::Operator, Role::Qa, Role::Engineer] {
        let made = people.make(&named(role), role, at).await.unwrap();
        people.set_password(made.number, Secret::told(WORDS)).await.unwrap();
    }
    let socket = folder.path().join("fixture.sock");
    let asked = Arc::new(Mutex::new(Vec::new()));
    daemon(&socket, Arc::clone(&asked));
    let (_, sources) = sources(ledger, fresh(four_lanes()));
    let sources = Sources {
        people: Some(Arc::clone(&people)),
        daemon: Client::new(&socket),
        setup_code: folder.path().join("setup-code"),
        door,
        ..sources
    };
    Staffed {
        folder,
        people,
        sources,
        asked,
    }
}

pub(super) fn named(role: Role) -> String {
    format!("Role {role}")
}

/// A daemon that writes down what it is asked, and refuses to unlock.
#[expect(clippy::disallowed_methods, reason = "a daemon of a test")]
fn daemon(socket: &Path, asked: Arc<Mutex<Vec<ActRequest>>>) {
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    let act = move |Json(request): Json<ActRequest>| {
        let answer = if matches!(request.act, Act::Unlock { .. }) {
            ActAnswer::Refused {
                why: "no run of it counts against it".to_owned(),
            }
        } else {
            ActAnswer::Done
        };
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        async move { ([(VERSION_HEADER, VERSION.to_string())], Json(answer)) }
    };
    let router = Router::new().route("/v1/act", post(act));
    tokio::spawn(async move { axum::serve(listener, router).await });
}

impl Staffed {
    pub(super) fn at(&self) -> i64 {
        self.sources.clock.wall().as_microsecond()
    }

    fn from(&self) -> Whereabouts {
        match self.sources.door {
            Door::Line => Whereabouts::Line,
            // Another place than the requests of these tests come from: none has to wait for those.
            Door::Network => Whereabouts::Network("192.0.2.1".to_owned()),
        }
    }

    pub(super) async fn log_in(&self, role: Role) -> Secret {
        let proof = Proof::Password {
            name: named(role),
            password: Secret::told(WORDS),
        };
        self.people.log_in(proof, &self.from(), self.at()).await.unwrap().1
    }

    /// Asks as a browser does that holds a log-in.
    async fn ask(&self, method: &Method, path: &str, holds: Option<&Secret>, fields: &str) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::ORIGIN, "http://localhost:8080");
        let mut body = fields.to_owned();
        if let Some(secret) = holds {
            let cookie = crate::web::visitor::cookie(self.sources.door, Some(secret));
            request = request.header(header::COOKIE, cookie.split(';').next().unwrap());
            body = format!("form={}&{fields}", secret.of_form());
        }
        if *method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        } else {
            body.clear();
        }
        let request = request.body(Body::from(body)).unwrap();
        router(self.sources.clone()).oneshot(request).await.unwrap()
    }

    /// Asks as a machine does that holds a token.
    async fn ask_by_token(&self, path: &str, token: &Secret) -> Response {
        let request = Request::post(path)
            .header(header::HOST, "line-1:8443")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.tell()))
            .body(Body::empty())
            .unwrap();
        router(self.sources.clone()).oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, holds: Option<&Secret>) -> (StatusCode, String) {
        text(self.ask(&Method::GET, path, holds, "").await).await
    }

    async fn post(&self, path: &str, holds: Option<&Secret>, fields: &str) -> (StatusCode, String) {
        text(self.ask(&Method::POST, path, holds, fields).await).await
    }

    fn acts(&self) -> Vec<ActRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

type Response = axum::response::Response;

async fn text(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let place = response
        .headers()
        .get(header::LOCATION)
        .map(|place| place.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(response.into_body(), 4_000_000).await.unwrap();
    (
        status,
        place.unwrap_or_else(|| String::from_utf8(body.to_vec()).unwrap()),
    )
}

/// Whether somebody was let in, whatever came of it then.
fn let_in(response: &Response) -> bool {
    let to_log_in = response
        .headers()
        .get(header::LOCATION)
        .is_some_and(|to| to.to_str().unwrap().starts_with("/log-in?then="));
    !(to_log_in || [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&response.status()))
}

/// An address with something in its places.
fn filled(path: &str) -> String {
    path.replace("{id}", "01990000-0001-7000-8000-000000000001")
        .replace("{serial}", "A-1")
}

#[tokio::test]
async fn every_address_lets_in_whom_the_documents_name_and_nobody_else() {
    let network = staffed(Door::Network).await;
    let line = staffed(Door::Line).await;
    let (mut held, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    for role in Role::ALL {
        held.insert(role, network.log_in(role).await);
        let ends = network.at() + 1_000_000_000;
        let name = named(role);
        let token = network.people.make_token(&name, role, "Ana", network.at(), ends);
        tokens.insert(role, token.await.unwrap());
    }
    let mut rows = Vec::new();
    for Route { method, path, .. } in routes::all() {
        let path_now = filled(path);
        let mut who = Vec::new();
        // Whoever is refused there was let in.
        let let_in = |response: &Response| path == "/log-in" || let_in(response);
        if let_in(&network.ask(&method, &path_now, None, "").await) {
            who.push("anybody".to_owned());
        }
        if let_in(&line.ask(&method, &path_now, None, "").await) {
            who.push("at the line".to_owned());
        }
        for role in Role::ALL {
            let response = if path == "/api/v1/acts" {
                network.ask_by_token(path, &tokens[&role]).await
            } else {
                network.ask(&method, &path_now, Some(&held[&role]), "").await
            };
            if path.starts_with("/log-out") {
                held.insert(role, network.log_in(role).await);
            }
            if let_in(&response) {
                who.push(role.to_string());
            }
        }
        rows.push(format!("| {method} | `{path}` | {} |", who.join(", ")));
    }
    let documented: Vec<&str> = TABLE
        .lines()
        .filter(|line| line.starts_with("| GET") || line.starts_with("| POST"))
        .collect();
    let rows = rows.join("\n");
    assert_eq!(documented.join("\n"), rows, "docs/people.md should have:\n{rows}");
}

#[tokio::test]
async fn somebody_logs_in_does_something_and_logs_out() {
    let fixture = staffed(Door::Network).await;
    let (status, to) = fixture.get("/line?x=1", None).await;
    assert_eq!(
        (status, to.as_str()),
        (StatusCode::SEE_OTHER, "/log-in?then=%2Fline%3Fx%3D1")
    );
    let fields = "name=role+operator&password=correct+horse+battery&then=%2Fline";
    let response = fixture.ask(&Method::POST, "/log-in", None, fields).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("__Host-fixture=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    assert_eq!(text(response).await, (StatusCode::SEE_OTHER, "/line".to_owned()));
    let secret = Secret::told(&cookie["__Host-fixture=".len()..][..64]);
    let (status, page) = fixture.get("/line", Some(&secret)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Role operator") && page.contains("/acts/stop"), "{page}");
    let id = "01990000-0001-7000-8000-0000000000aa";
    let stop = format!("id={id}&class=break&reason=lunch");
    let (status, to) = fixture.post("/acts/stop", Some(&secret), &stop).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/line?done=stop"));
    let acts = fixture.acts();
    let [asked] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!((asked.by.as_str(), asked.role), ("Role operator", Role::Operator));
    assert_eq!(asked.id.0.to_string(), id);
    assert_eq!(
        asked.act,
        Act::Stop {
            lane: None,
            reason: "break: lunch".to_owned()
        }
    );
    let (status, _) = fixture.post("/log-out", Some(&secret), "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, page) = fixture.post("/acts/stop", Some(&secret), &stop).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(page.contains("nothing was done"), "{page}");
    assert_eq!(fixture.acts().len(), 1);
}

#[tokio::test]
async fn who_logs_in_at_the_line_is_the_operator_from_then_on() {
    let fixture = staffed(Door::Line).await;
    let fields = "name=Role+operator&password=correct+horse+battery";
    let (status, _) = fixture.post("/log-in", None, fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let acts = fixture.acts();
    assert_eq!(
        acts.last().map(|request| (&request.act, request.from.as_str())),
        Some((
            &Act::Operator {
                name: "Role operator".to_owned()
            },
            "line"
        ))
    );
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_log_in_does_nothing() {
    let fixture = staffed(Door::Network).await;
    let (mine, other) = (fixture.log_in(Role::Admin).await, fixture.log_in(Role::Admin).await);
    let cookie = format!("__Host-fixture={}", mine.tell());
    let sent = async |origin: Option<&str>, form: &str| {
        let mut request = Request::post("/acts/lot")
            .header(header::HOST, "line-1:8443")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let body = format!("form={form}&lot=L-1&id=01990000-0001-7000-8000-0000000000ab");
        let request = request.body(Body::from(body)).unwrap();
        router(fixture.sources.clone()).oneshot(request).await.unwrap().status()
    };
    let own = Some("https://line-1:8443");
    for (origin, form) in [
        (None, mine.of_form()),
        (Some("https://evil.example"), mine.of_form()),
        (own, String::new()),
        (own, other.of_form()),
        (own, mine.tell().to_owned()),
    ] {
        assert_eq!(sent(origin, &form).await, StatusCode::FORBIDDEN, "{origin:?} {form:?}");
    }
    assert!(fixture.acts().is_empty());
    assert_eq!(sent(own, &mine.of_form()).await, StatusCode::SEE_OTHER);
    assert_eq!(fixture.acts().len(), 1);
}

#[tokio::test]
async fn what_the_daemon_refuses_is_told_and_what_it_cannot_take_is_not_lost() {
    let mut fixture = staffed(Door::Network).await;
    let qa = fixture.log_in(Role::Qa).await;
    let fields = "serial=A-1&reason=cleaned&back=%2Funits%2FA-1&id=01990000-0001-7000-8000-0000000000ac";
    let (status, page) = fixture.post("/acts/unlock", Some(&qa), fields).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        page.contains("no run of it counts against it") && page.contains("href=\"/units/A-1\""),
        "{page}"
    );
    for (fields, what) in [
        (
            "serial=&reason=x&id=01990000-0001-7000-8000-0000000000ac",
            "serial: expected",
        ),
        (
            "serial=A-1&reason=&id=01990000-0001-7000-8000-0000000000ac",
            "reason: expected",
        ),
        ("serial=A-1&reason=x&id=7", "id: expected"),
    ] {
        let (status, page) = fixture.post("/acts/unlock", Some(&qa), fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains(what), "{page}");
    }
    fixture.sources.daemon = Client::new("/nowhere/fixture.sock");
    let (status, page) = fixture.post("/acts/unlock", Some(&qa), fields).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.contains("never done twice"), "{page}");
}

#[tokio::test]
async fn the_first_administrator_needs_the_code_and_may_not_guess_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let people = Arc::new(People::open(&folder.path().join("people.db")).await.unwrap());
    let code = folder.path().join("setup-code");
    std::fs::write(&code, "1234-5678\n").unwrap();
    let socket = folder.path().join("fixture.sock");
    let asked = Arc::new(Mutex::new(Vec::new()));
    daemon(&socket, Arc::clone(&asked));
    let (_, bare) = sources(&folder.path().join("none.db"), Heard::default());
    let fixture = Staffed {
        people: Arc::clone(&people),
        sources: Sources {
            people: Some(people),
            daemon: Client::new(&socket),
            setup_code: code.clone(),
            door: Door::Network,
            ..bare
        },
        asked,
        folder,
    };
    let fields = |code: &str| format!("code={code}&name=Ana&password=correct+horse&again=correct+horse");
    let mut said = Vec::new();
    for n in 0..6 {
        said.push(fixture.post("/setup", None, &fields(&format!("0000-000{n}"))).await.0);
    }
    assert_eq!(&said[..4], [StatusCode::BAD_REQUEST; 4]);
    assert_eq!(&said[4..], [StatusCode::TOO_MANY_REQUESTS; 2]);
    assert!(!fixture.people.has_admin().await.unwrap());
    // From then on the right one has to wait as well: a fixture that is staffed later has nobody guessing at it.
    let (status, _) = fixture.post("/setup", None, &fields("12345678")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let mut later = fixture.sources.clone();
    later.clock = Clock::standing_at(fixture.at() + 31_000_000);
    let fixture = Staffed {
        sources: later,
        ..fixture
    };
    let (status, to) = fixture.post("/setup", None, &fields("12345678")).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/log-in?then=/people"));
    assert!(!code.exists(), "it holds once");
    assert!(matches!(&fixture.acts()[0].act, Act::Account { name, after, .. } if name == "Ana" && after == "admin"));
    let (status, _) = fixture.get("/setup", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = fixture.post("/setup", None, &fields("12345678")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_administrator_makes_an_operator_and_takes_the_account_away() {
    let fixture = staffed(Door::Network).await;
    let admin = fixture.log_in(Role::Admin).await;
    let new = "name=Li+%3Cb%3E&role=operator&password=correct+horse+7&pin=4711&badge=B-0007";
    let (status, to) = fixture.post("/people", Some(&admin), new).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/people?done=yes"));
    let (_, page) = fixture.get("/people", Some(&admin)).await;
    assert!(
        page.contains("Li &#60;b&#62;") && page.contains("password, PIN, badge") && !page.contains("<b>"),
        "{page}"
    );
    let accounts = fixture.people.accounts().await.unwrap();
    let li = accounts.iter().find(|account| account.name == "Li <b>").unwrap();
    let (status, _) = fixture
        .post("/people/end", Some(&admin), &format!("account={}", li.number))
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let changes: Vec<_> = fixture
        .acts()
        .into_iter()
        .filter_map(|request| {
            if let Act::Account {
                name,
                change,
                before,
                after,
            } = request.act
            {
                Some((name, change.as_str(), before, after))
            } else {
                None
            }
        })
        .collect();
    let said =
        |name: &str, change, before: &str, after: &str| (name.to_owned(), change, before.to_owned(), after.to_owned());
    assert_eq!(
        changes,
        [
            said("Li <b>", "made", "", "operator"),
            said("Li <b>", "ended", "operator", "")
        ]
    );
    let (status, page) = fixture.post("/people", Some(&admin), new).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("is taken"), "{page}");
    assert_eq!(fixture.acts().len(), 2, "what cannot be is not written down as done");
    let (status, page) = fixture
        .post("/people", Some(&admin), "name=Bo&role=operator&password=short&pin=4711")
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("password: expected"), "{page}");
    assert!(
        fixture.people.free("Bo").await.is_ok(),
        "nobody is made with half of the secrets"
    );
    assert_eq!(fixture.acts().len(), 2);
}

#[tokio::test]
async fn somebody_who_changes_the_own_password_is_written_down_and_logged_out() {
    let fixture = staffed(Door::Network).await;
    let viewer = fixture.log_in(Role::Viewer).await;
    let new = "new=another+battery+9&again=another+battery+9";
    let (_, page) = fixture
        .post(
            "/me/password",
            Some(&viewer),
            &format!("password=wrong+words+here&{new}"),
        )
        .await;
    assert!(page.contains("does not fit"), "{page}");
    assert!(fixture.acts().is_empty());
    let (status, _) = fixture
        .post(
            "/me/password",
            Some(&viewer),
            &format!("password=correct+horse+battery&{new}"),
        )
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let acts = fixture.acts();
    assert!(
        matches!(&acts[0].act, Act::Account { name, change, .. } if name == "Role viewer" && change.as_str() == "password"),
        "{acts:?}"
    );
    let (_, to) = fixture.get("/me", Some(&viewer)).await;
    assert!(to.starts_with("/log-in"), "{to}");
}

#[tokio::test]
async fn a_machine_does_with_its_token_what_its_role_may() {
    let fixture = staffed(Door::Network).await;
    let admin = fixture.log_in(Role::Admin).await;
    let (status, page) = fixture
        .post("/tokens", Some(&admin), "name=mes&role=operator&ends=2099-12-31")
        .await;
    assert_eq!(status, StatusCode::OK);
    let token = page
        .split_once("<code class=\"token\">")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    let (_, again) = fixture.get("/people", Some(&admin)).await;
    assert!(again.contains("mes") && !again.contains(token), "it is told once");
    let ask = async |token: &str, act: &str| {
        let body = format!(r#"{{"id":"01990000-0001-7000-8000-0000000000ad","act":{act}}}"#);
        let request = Request::post("/api/v1/acts")
            .header(header::HOST, "line-1:8443")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        text(router(fixture.sources.clone()).oneshot(request).await.unwrap()).await
    };
    let before = fixture.acts().len();
    let (status, said) = ask(token, r#"{"kind":"lot","lot":"L-7"}"#).await;
    assert_eq!((status, said.as_str()), (StatusCode::OK, r#"{"answer":"done"}"#));
    assert_eq!(fixture.acts()[before].by, "token mes");
    let (status, said) = ask(token, r#"{"kind":"unlock","serial":"A-1","reason":"x"}"#).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(said.contains("operator: that role may not unlock"), "{said}");
    let forged = r#"{"kind":"account","name":"Ana","change":"ended","before":"","after":""}"#;
    let (status, said) = ask(token, forged).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    let (status, _) = ask("nonsense", r#"{"kind":"lot","lot":"L-7"}"#).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let described = crate::web::api::openapi::document();
    for status in ["200", "400", "401", "403"] {
        let responses = &described["paths"]["/api/v1/acts"]["post"]["responses"];
        assert!(responses[status].is_object(), "{status} is not described");
    }
    let (status, said) = ask(token, r#"{"kind":"explode"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(said.contains("explode"), "{said}");
    assert_eq!(fixture.acts().len(), before + 1);
}

#[tokio::test]
async fn nobody_gets_through_the_pins_and_who_waits_is_told_how_long() {
    let fixture = staffed(Door::Line).await;
    let mut said = Vec::new();
    for n in 0..8 {
        let fields = format!("name=Role+operator&pin={n:04}");
        let response = fixture.ask(&Method::POST, "/log-in", None, &fields).await;
        let wait = response.headers().get(header::RETRY_AFTER).cloned();
        said.push((response.status(), wait.is_some()));
    }
    assert_eq!(&said[..4], [(StatusCode::UNAUTHORIZED, false); 4]);
    assert_eq!(&said[4..], [(StatusCode::TOO_MANY_REQUESTS, true); 4]);
}

#[tokio::test]
async fn without_the_accounts_pages_at_the_line_go_on_and_the_network_has_none() {
    let (_, bare) = sources(Path::new("/nowhere"), fresh(four_lanes()));
    let (status, _) = get(bare.clone(), "/").await;
    assert_eq!(status, StatusCode::OK);
    let network = Sources {
        door: Door::Network,
        ..bare
    };
    let response = router(network)
        .oneshot(Request::get("/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_engineer_makes_a_version_of_a_recipe_and_others_read_them() {
    use fixture_ledger::recipes::{Origin, RecipeVersion};
    let fixture = staffed(Door::Network).await;
    let path = fixture.folder.path().join("ledger.db");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let first = RecipeVersion {
        name: "demo".to_owned(),
        version: "1".repeat(16),
        origin: Origin::File,
        at: fixture_link::identity::WallTime {
            micros: 1_790_000_000_000_000,
            synchronised: true,
        },
        by: String::new(),
        reason: String::new(),
        from: None,
        file: "f".repeat(16),
        text: "name = \"demo\"\n[times]\nstage = \"30s\"\n".to_owned(),
        changes: String::new(),
    };
    let second = RecipeVersion {
        version: "2".repeat(16),
        origin: Origin::Act,
        by: "Ana <b>".to_owned(),
        reason: "stages are quick here".to_owned(),
        from: Some(first.version.clone()),
        changes: "times.stage: \"30s\" → \"20s\"\ntimes.update: nothing → \"1m\"".to_owned(),
        ..first.clone()
    };
    ledger.record_recipe(&first).await.unwrap();
    ledger.record_recipe(&second).await.unwrap();
    ledger.close().await.unwrap();
    let fixture = Staffed {
        sources: Sources {
            ledger: path,
            ..fixture.sources.clone()
        },
        ..fixture
    };
    let (viewer, engineer) = (fixture.log_in(Role::Viewer).await, fixture.log_in(Role::Engineer).await);
    let (status, read) = fixture.get("/recipes", Some(&viewer)).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "version 2222222222222222, by which the next units are run",
        "Ana &#60;b&#62;",
        "stages are quick here",
        "times.stage: &#34;30s&#34; → &#34;20s&#34;<br>times.update",
        "the recipe’s file",
        "[times]",
    ] {
        assert!(read.contains(expected), "{expected}: {read}");
    }
    assert!(!read.contains("/acts/recipe"), "who may not change it has no form");
    let (_, page) = fixture.get("/recipes?done=recipe", Some(&engineer)).await;
    assert!(page.contains("A version was made"), "{page}");
    assert_eq!(
        page.matches("action=\"/acts/recipe\"").count(),
        2,
        "a new version, and back to the first"
    );
    assert!(page.contains("Back to 1111111111111111"), "{page}");

    let id = "id=01990000-0001-7000-8000-000000000001&back=/recipes&recipe=demo&reason=quick";
    let fields = format!("{id}&entries=times.stage+%3D+%2220s%22%0D%0A%0D%0A+led+%3D+-");
    let (status, to) = fixture.post("/acts/recipe", Some(&engineer), &fields).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/recipes?done=recipe"));
    let asked = fixture.acts().pop().unwrap();
    assert_eq!((asked.by.as_str(), asked.role), ("Role engineer", Role::Engineer));
    let act = |change| Act::Recipe {
        recipe: "demo".to_owned(),
        change,
        reason: "quick".to_owned(),
    };
    let entries = ["times.stage = \"20s\"", "led = -"].map(str::to_owned);
    assert_eq!(asked.act, act(RecipeChange::Entries(entries.into())));
    let fields = format!("{id}&version={}", "1".repeat(16));
    fixture.post("/acts/recipe", Some(&engineer), &fields).await;
    assert_eq!(
        fixture.acts().pop().unwrap().act,
        act(RecipeChange::Version("1".repeat(16)))
    );
    let before = fixture.acts().len();
    let (status, said) = fixture.post("/acts/recipe", Some(&engineer), id).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(said.contains("entries: expected one a line"), "{said}");
    let (status, _) = fixture.post("/acts/recipe", Some(&viewer), &fields).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(fixture.acts().len(), before);
}

#[tokio::test]
async fn the_line_s_page_lists_the_lots_that_have_a_recipe_and_by_what_units_are_run() {
    let fixture = staffed(Door::Line).await;
    let listed = fixture_link::settings::Settings::parse(
        Path::new("fixture.toml"),
        "unknown_lots = \"refuse\"\n[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l\"\nsocket = \"s\"\n\
         [[lots]]\nlot = \"L-7\"\nrecipe = \"recipes/claimed.toml\"\n\
         [[lots]]\nlot = \"L-*\"\nrecipe = \"recipes/led-only.toml\"\n",
    );
    let mut heard = four_lanes();
    heard.lanes[1].recipe = Some(fixture_link::snapshot::RecipeView {
        name: "older".to_owned(),
        version: "0123456789abcdef".to_owned(),
    });
    let (_, with_recipe) = sources(Path::new("none.db"), fresh(heard));
    let fixture = Staffed {
        sources: Sources {
            lots: listed.unwrap().lots,
            newest: with_recipe.newest,
            ..fixture.sources.clone()
        },
        ..fixture
    };
    let operator = fixture.log_in(Role::Operator).await;
    let (status, page) = fixture.get("/line", Some(&operator)).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "run by recipe <strong>demo (00c0ffee00c0ffee)</strong>",
        "<option value=\"L-7\">claimed</option></datalist>",
        "L-7 (claimed), L-* (led-only).",
        "Others are refused.",
        "by recipe older (0123456789abcdef)",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("work-orders\""), "no work order has a recipe of its own");
}
