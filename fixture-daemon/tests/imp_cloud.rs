//! The client of the vendor's cloud against a local server, over plain HTTP and over TLS.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fixture_daemon::config::{ImpCloud, KeyForm, Secret};
use fixture_daemon::engine::input::ClaimAnswer;
use fixture_daemon::enrolment::imp_cloud::{CloudError, ImpCloudClient};

const GRANTED: &str = r#"{"id":"0123456789abcdef","plan_id":"fedcba9876543210","impee_id":""}"#;

/// What the server does with one request.
#[derive(Clone)]
enum Reply {
    /// Status line's rest, further headers, body.
    Says(&'static str, &'static str, &'static str),
    /// Nothing, until the client hangs up.
    Nothing,
    /// Bytes that are no HTTP.
    Noise,
}

fn ok(body: &'static str) -> Reply {
    Reply::Says("200 OK", "", body)
}

/// A server that answers one connection after the other, and notes the requests.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn replying(replies: Vec<Reply>) -> Self {
        Self::start(replies, |stream, serve| serve(&mut &stream))
    }

    fn with_tls(replies: Vec<Reply>, config: Arc<rustls::ServerConfig>) -> Self {
        Self::start(replies, move |stream, serve| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(&mut rustls::StreamOwned::new(connection, stream));
        })
    }

    fn start(replies: Vec<Reply>, wrap: impl Fn(TcpStream, &dyn Fn(&mut dyn Both)) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for reply in replies {
                let (stream, _) = listener.accept().unwrap();
                wrap(stream, &|stream| {
                    // Noted before the reply: the client may ask for the notes as soon as it has that.
                    let note = |request| noted.lock().unwrap().push(request);
                    // A client that has gone away in between needs no reply.
                    let _gone = answer(stream, &reply, &note);
                });
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

/// Reads a request, notes it and replies; `None` when the client never sent one, or did not wait for the reply.
fn answer(stream: &mut dyn Both, reply: &Reply, note: &dyn Fn(String)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
    }
    let head = request.to_ascii_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8(body).unwrap());
    note(request);
    match reply {
        Reply::Says(status, headers, body) => {
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            reader.get_mut().write_all(text.as_bytes()).ok()?;
            reader.get_mut().flush().ok()?;
        }
        Reply::Nothing => {
            let _ = reader.read(&mut [0]);
        }
        Reply::Noise => reader.get_mut().write_all(b"\x00\x01 no HTTP at all\r\n\r\n").ok()?,
    }
    Some(())
}

fn config(base_url: String) -> ImpCloud {
    ImpCloud {
        base_url,
        key: Secret::new("0123key".to_owned()),
        auth: KeyForm::Key,
        plan: None,
        timeout: Duration::from_secs(10),
        tries: 3,
        backoff: Duration::from_millis(1),
        ca_file: None,
    }
}

fn client(server: &Server) -> ImpCloudClient {
    ImpCloudClient::new(config(format!("http://{}/v1", server.address))).unwrap()
}

#[test]
fn a_token_is_asked_for_with_the_key_and_named_without_telling_it() {
    let server = Server::replying(vec![ok(GRANTED)]);
    let grant = client(&server).token().unwrap();
    assert_eq!(grant.token.to_hex(), "0123456789abcdef");
    assert_eq!(grant.plan.to_string(), "fedcba9876543210");
    assert_ne!(grant.id, "0123456789abcdef");
    let requests = server.requests();
    assert!(
        requests[0].starts_with("POST /v1/setup_tokens HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    // base64 of "0123key".
    assert!(
        requests[0].contains("uthorization: Basic MDEyM2tleQ==\r\n"),
        "{}",
        requests[0]
    );
}

#[test]
fn the_other_form_of_the_key_ends_with_a_colon_and_a_plan_is_sent_along() {
    let server = Server::replying(vec![ok(GRANTED)]);
    let config = ImpCloud {
        auth: KeyForm::KeyColon,
        plan: Some("fedcba9876543210".parse().unwrap()),
        ..config(format!("http://{}/v1", server.address))
    };
    ImpCloudClient::new(config).unwrap().token().unwrap();
    let requests = server.requests();
    // base64 of "0123key:".
    assert!(
        requests[0].contains("uthorization: Basic MDEyM2tleTo=\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0].ends_with("\r\n\r\nplan_id=fedcba9876543210"),
        "{}",
        requests[0]
    );
}

#[test]
fn a_claim_is_asked_for_by_the_token_and_told_once_a_device_has_used_it() {
    let server = Server::replying(vec![
        ok(GRANTED),
        ok(GRANTED),
        ok(
            r#"{"id":"0123456789abcdef","plan_id":"fedcba9876543210","impee_id":"00000C2A690A2F4D","agent_url":"https://agent.example/x"}"#,
        ),
    ]);
    let client = client(&server);
    let grant = client.token().unwrap();
    assert_eq!(client.claim(&grant.id).unwrap(), ClaimAnswer::NotYet);
    assert_eq!(
        client.claim(&grant.id).unwrap(),
        ClaimAnswer::Claimed {
            device_id: "00000c2a690a2f4d".to_owned(),
            agent_url: Some("https://agent.example/x".to_owned()),
        }
    );
    assert!(server.requests()[2].starts_with("GET /v1/setup_tokens/0123456789abcdef HTTP/1.1\r\n"));
    assert!(matches!(client.claim("unheard-of"), Err(CloudError::UnknownToken(_))));
}

#[test]
fn a_refused_key_is_not_tried_again() {
    for (status, number) in [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("403 Forbidden", 403),
    ] {
        let server = Server::replying(vec![Reply::Says(status, "", "{}"), ok(GRANTED)]);
        assert_eq!(client(&server).token().unwrap_err(), CloudError::KeyRefused(number));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_busy_or_broken_cloud_is_tried_again_and_then_given_up() {
    let busy = Reply::Says("429 Too Many Requests", "retry-after: 0\r\n", "");
    let broken = Reply::Says("503 Service Unavailable", "", "");
    let server = Server::replying(vec![busy.clone(), broken.clone(), ok(GRANTED)]);
    client(&server).token().unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = Server::replying(vec![broken.clone(), broken, busy, ok(GRANTED)]);
    assert_eq!(
        client(&server).token().unwrap_err(),
        CloudError::GivenUp {
            tries: 3,
            last: Box::new(CloudError::TooMany)
        }
    );
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_silent_cloud_is_a_time_out() {
    let server = Server::replying(vec![Reply::Nothing; 2]);
    let config = ImpCloud {
        timeout: Duration::from_millis(150),
        tries: 2,
        ..config(format!("http://{}/v1", server.address))
    };
    assert_eq!(
        ImpCloudClient::new(config).unwrap().token().unwrap_err(),
        CloudError::GivenUp {
            tries: 2,
            last: Box::new(CloudError::TimedOut(Duration::from_millis(150)))
        }
    );
}

#[test]
fn an_answer_that_makes_no_sense_is_told_without_its_content() {
    for body in [
        "<html>",
        "{}",
        "[]",
        r#"{"id":"0123456789abcde","plan_id":"fedcba9876543210"}"#,
        r#"{"id":"0123456789abcdef","plan_id":7}"#,
    ] {
        let server = Server::replying(vec![ok(body)]);
        let error = client(&server).token().unwrap_err();
        assert!(matches!(error, CloudError::Garbage(_)), "{body}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("0123456789abcde"), "{error}");
    }
    let server = Server::replying(vec![Reply::Noise; 3]);
    let error = client(&server).token().unwrap_err();
    assert!(matches!(error, CloudError::Garbage(_)), "{error:?}");
}

#[test]
fn a_redirect_is_not_followed_and_a_huge_answer_not_read() {
    let server = Server::replying(vec![
        Reply::Says("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        ok(GRANTED),
    ]);
    assert_eq!(client(&server).token().unwrap_err(), CloudError::Status(302));

    let huge: &'static str = Box::leak(format!("{{\"id\":\"{}\"}}", "0".repeat(100_000)).into_boxed_str());
    let server = Server::replying(vec![ok(huge)]);
    let error = client(&server).token().unwrap_err();
    assert!(matches!(error, CloudError::Garbage(_)), "{error:?}");
}

#[test]
fn a_cloud_that_is_not_there_is_a_network_error() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = ImpCloud {
        tries: 1,
        ..config(format!("http://{closed}/v1"))
    };
    let client = ImpCloudClient::new(config).unwrap();
    let error = client.token().unwrap_err();
    assert!(
        matches!(&error, CloudError::GivenUp { last, .. } if matches!(**last, CloudError::Network(_))),
        "{error:?}"
    );
    assert!(matches!(client.reach(), Err(CloudError::Network(_))));
}

/// An authority's file, and a server that has a certificate of it for 127.0.0.1.
fn authority(folder: &tempfile::TempDir, name: &str) -> (PathBuf, Arc<rustls::ServerConfig>) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap();
    let file = folder.path().join(format!("{name}.pem"));
    std::fs::write(&file, own.pem()).unwrap();
    let issuer = Issuer::new(params, key);

    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&server_key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (file, Arc::new(config))
}

#[test]
fn a_server_proven_by_the_configured_authority_is_trusted_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (file, tls) = authority(&folder, "plant");
    let server = Server::with_tls(vec![ok(GRANTED)], tls);
    let config = ImpCloud {
        ca_file: Some(file),
        ..config(format!("https://{}/v1", server.address))
    };
    let grant = ImpCloudClient::new(config).unwrap().token().unwrap();
    assert_eq!(grant.token.to_hex(), "0123456789abcdef");
}

#[test]
fn a_server_of_another_authority_never_gets_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let (_, tls) = authority(&folder, "stranger");
    let (file, _) = authority(&folder, "plant");
    for ca_file in [Some(file), None] {
        let server = Server::with_tls(vec![ok(GRANTED)], Arc::clone(&tls));
        let config = ImpCloud {
            ca_file,
            ..config(format!("https://{}/v1", server.address))
        };
        let error = ImpCloudClient::new(config).unwrap().token().unwrap_err();
        assert!(matches!(error, CloudError::Tls(_)), "{error:?}");
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn an_authority_file_without_a_certificate_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing here\n").unwrap();
    let config = ImpCloud {
        ca_file: Some(file),
        ..config("https://127.0.0.1:1/v1".to_owned())
    };
    let error = ImpCloudClient::new(config).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("empty.pem: expected a certificate in PEM form"),
        "{error}"
    );
}
