//! The probes: small, blocking, each with its own time-out.

use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use super::dns::{self, Answer};
use super::{Address, Check, Facts, Lease, Name, Page, Portal, Reach, air};

/// An address of documentation (RFC 5737): a socket that is only told to send there sends nothing, but says by which way it would.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The largest message that a name server sends over UDP without being asked for more (RFC 1035, section 4.2.1).
const DNS_MESSAGE: usize = 512;

/// How much of a page is read.
const PAGE: usize = 2048;

/// Looks at everything. `root` is `/` on the real machine; `id` must differ from one look to the next.
pub fn look(check: &Check, root: &Path, id: u16) -> Facts {
    let servers = if check.name_servers.is_empty() {
        name_servers(root)
    } else {
        check.name_servers.clone()
    };
    let name = name(&servers, &check.server, check.patience, id);
    let reach = match &name {
        Name::Found(addresses) => reach(addresses, check.port, check.patience),
        Name::Unknown(_) | Name::Silent(_) | Name::NoServer => Reach::NotTried,
    };
    let portal = match &check.portal {
        Some(page) => portal(page, &servers, check.patience, id.wrapping_add(1)),
        None => Portal::NotAsked,
    };
    let address = address(ELSEWHERE);
    let lease = match &address {
        Address::Has(own) => told_by_ip().map_or(Lease::Unknown, |told| lease(&told, *own)),
        Address::MadeUp(_) | Address::None(_) => Lease::Unknown,
    };
    Facts {
        address,
        lease,
        name,
        reach,
        portal,
        air: check.interface.as_deref().and_then(heard),
    }
}

/// The address that this machine would send from.
fn address(to: SocketAddr) -> Address {
    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(to)?;
        socket.local_addr()
    });
    match own.map(|own| own.ip()) {
        Ok(IpAddr::V4(own)) if own.is_link_local() => Address::MadeUp(own.into()),
        Ok(own) => Address::Has(own),
        Err(error) => Address::None(error.to_string()),
    }
}

/// What `ip` says of the machine's addresses; `None` where it is not there.
fn told_by_ip() -> Option<String> {
    let output = Command::new("ip")
        .args(["-json", "-4", "address", "show"])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether an address was given for a time (ip-address(8): `dynamic`, with what is left of it; every DHCP client of Debian's sets it so).
fn lease(told: &str, own: IpAddr) -> Lease {
    let Ok(interfaces) = serde_json::from_str::<serde_json::Value>(told) else {
        return Lease::Unknown;
    };
    let own = own.to_string();
    let addresses = interfaces.as_array().into_iter().flatten();
    let mut of_it = addresses
        .filter_map(|interface| interface.get("addr_info")?.as_array())
        .flatten()
        .filter(|address| address.get("local").and_then(serde_json::Value::as_str) == Some(&own));
    let Some(address) = of_it.next() else {
        return Lease::Unknown;
    };
    let dynamic = address.get("dynamic").and_then(serde_json::Value::as_bool) == Some(true);
    match address.get("valid_life_time").and_then(serde_json::Value::as_u64) {
        Some(seconds) if dynamic => Lease::Until(Duration::from_secs(seconds)),
        // 4294967295 is for ever.
        Some(_) => Lease::ByHand,
        None => Lease::Unknown,
    }
}

/// The machine's name servers (resolv.conf(5)).
fn name_servers(root: &Path) -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(root.join("etc/resolv.conf")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok())
        .map(|server| SocketAddr::new(server, 53))
        .collect()
}

/// What the first name server that answers says about a name. A numeric address needs none.
fn name(servers: &[SocketAddr], name: &str, patience: Duration, id: u16) -> Name {
    if let Ok(address) = name.parse() {
        return Name::Found(vec![address]);
    }
    let Some(question) = dns::question(id, name) else {
        return Name::Unknown("not a host's name".to_owned());
    };
    let mut last = None;
    for server in servers {
        match ask(*server, &question, id, patience) {
            Ok(Answer::Addresses(addresses)) if addresses.is_empty() => {
                return Name::Unknown(format!("{server} has no IPv4 address for it"));
            }
            Ok(Answer::Addresses(addresses)) => {
                return Name::Found(addresses.into_iter().map(IpAddr::V4).collect());
            }
            Ok(Answer::Refused(code)) => return Name::Unknown(format!("{server} answers with code {code}")),
            Err(error) => last = Some(format!("{server}: {}", worded(&error))),
        }
    }
    last.map_or(Name::NoServer, Name::Silent)
}

fn ask(server: SocketAddr, question: &[u8], id: u16, patience: Duration) -> std::io::Result<Answer> {
    let own: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(own)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(patience))?;
    let mut message = [0; DNS_MESSAGE];
    // Sent twice at most: one lost datagram is no silent server.
    for _ in 0..2 {
        socket.send(question)?;
        match socket.recv(&mut message) {
            Ok(length) => {
                let answer = message.get(..length).and_then(|message| dns::answer(id, message));
                return answer.ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "a damaged answer"));
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Whether one of the addresses accepts a connection. The first two are tried.
fn reach(addresses: &[IpAddr], port: u16, patience: Duration) -> Reach {
    let mut last = Reach::NotTried;
    for address in addresses.iter().take(2) {
        let to = SocketAddr::new(*address, port);
        match TcpStream::connect_timeout(&to, patience) {
            Ok(_) => return Reach::Accepted(to),
            Err(error) => last = Reach::Failed(format!("{to}: {}", worded(&error))),
        }
    }
    last
}

fn portal(page: &Page, servers: &[SocketAddr], patience: Duration, id: u16) -> Portal {
    let address = match name(servers, &page.host, patience, id) {
        Name::Found(addresses) => addresses.first().copied(),
        Name::Unknown(_) | Name::Silent(_) | Name::NoServer => None,
    };
    let Some(address) = address else {
        return Portal::Silent(format!("{} is not found", page.host));
    };
    match get(page, SocketAddr::new(address, page.port), patience) {
        Ok(answer) => read_page(page, &answer),
        Err(error) => Portal::Silent(worded(&error)),
    }
}

/// What a page's answer says about a portal.
fn read_page(page: &Page, answer: &str) -> Portal {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1));
    let expected = if page.begins.is_empty() { "204" } else { "200" };
    match status {
        Some(status) if status == expected && body.starts_with(&page.begins) => Portal::Free,
        Some(status) => {
            let to = lines.find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("location")
                    .then(|| format!(" to {}", value.trim()))
            });
            Portal::Captive(format!("{} answers {status}{}", page.host, to.unwrap_or_default()))
        }
        None => Portal::Silent("no web page came back".to_owned()),
    }
}

fn get(page: &Page, at: SocketAddr, patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n",
        page.path, page.host
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = vec![0; PAGE];
    let mut have = 0;
    // A server that drips its answer is not waited for for ever.
    for _ in 0..16 {
        let room = answer.get_mut(have..).unwrap_or_default();
        if room.is_empty() {
            break;
        }
        match stream.read(room) {
            Ok(0) => break,
            Ok(more) => have += more,
            Err(_) if have > 0 => break,
            Err(error) => return Err(error),
        }
    }
    answer.truncate(have);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What the interface heard in its last scan; `None` where `iw` is not there or has nothing to say.
fn heard(interface: &str) -> Option<Vec<air::Station>> {
    let output = Command::new("iw")
        .args(["dev", interface, "scan", "dump"])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| air::stations(&String::from_utf8_lossy(&output.stdout)))
}

/// An error as people read it: a time-out of a socket is called so.
fn worded(error: &std::io::Error) -> String {
    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
        "no answer".to_owned()
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);
    const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

    /// A name server that answers one question as `answer` says.
    fn name_server(answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
        let socket = UdpSocket::bind(LOCAL).unwrap();
        let address = socket.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut question = [0; DNS_MESSAGE];
            let (length, from) = socket.recv_from(&mut question).unwrap();
            socket.send_to(&answer(&question[..length]), from).unwrap();
        });
        (address, thread)
    }

    fn with_address(question: &[u8]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] = 0x81;
        message[7] = 1;
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        message
    }

    /// A web server that answers one request with `answer`.
    fn web_server(answer: &'static str) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, thread)
    }

    fn page(port: u16, begins: &str) -> Page {
        Page {
            host: "127.0.0.1".to_owned(),
            port,
            path: "/known".to_owned(),
            begins: begins.to_owned(),
        }
    }

    #[test]
    fn a_name_server_that_answers_and_a_port_that_accepts_are_measured() {
        let (server, asked) = name_server(with_address);
        let listener = TcpListener::bind(LOCAL).unwrap();
        let port = listener.local_addr().unwrap().port();
        let check = Check {
            server: "imp.example".to_owned(),
            port,
            name_servers: vec![server],
            portal: None,
            patience: PATIENCE,
            module: None,
            ssid: None,
            interface: None,
        };
        let facts = look(&check, Path::new("/nowhere"), 77);
        asked.join().unwrap();
        assert_eq!(facts.name, Name::Found(vec![Ipv4Addr::LOCALHOST.into()]));
        assert_eq!(facts.reach, Reach::Accepted((Ipv4Addr::LOCALHOST, port).into()));
        assert_eq!(facts.portal, Portal::NotAsked);
    }

    #[test]
    fn a_name_that_there_is_not_a_silent_server_and_none_are_told_apart() {
        let (server, asked) = name_server(|question| {
            let mut message = question.to_vec();
            message[2] = 0x81;
            message[3] = 3;
            message
        });
        assert!(matches!(name(&[server], "imp.example", PATIENCE, 5), Name::Unknown(why) if why.contains("code 3")));
        asked.join().unwrap();
        // Bound, but nobody reads it.
        let silent = UdpSocket::bind(LOCAL).unwrap();
        let to = silent.local_addr().unwrap();
        let short = Duration::from_millis(20);
        assert!(matches!(name(&[to], "imp.example", short, 6), Name::Silent(why) if why.ends_with("no answer")));
        assert_eq!(name(&[], "imp.example", short, 7), Name::NoServer);
    }

    #[test]
    fn an_answer_to_another_question_is_not_believed() {
        let (server, asked) = name_server(|question| {
            let mut message = with_address(question);
            message[0] ^= 1;
            message
        });
        assert!(matches!(name(&[server], "imp.example", PATIENCE, 5), Name::Silent(why) if why.contains("damaged")));
        asked.join().unwrap();
    }

    #[test]
    fn a_closed_port_is_told() {
        let port = TcpListener::bind(LOCAL).unwrap().local_addr().unwrap().port();
        let reach = reach(&[Ipv4Addr::LOCALHOST.into()], port, PATIENCE);
        assert!(matches!(reach, Reach::Failed(why) if why.contains("refused")));
    }

    #[test]
    fn a_captive_portal_is_told_from_the_page_itself_and_from_silence() {
        for (answer, begins, free) in [
            ("HTTP/1.1 200 OK\r\n\r\nsuccess\n", "success", true),
            ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\n\r\n<html>Sign in</html>", "success", false),
            ("HTTP/1.1 200 OK\r\n\r\n<html>Sign in</html>", "", false),
            (
                "HTTP/1.0 302 Found\r\nlocation: http://login.example/\r\n\r\n",
                "success",
                false,
            ),
            ("HTTP/1.1 511 Network Authentication Required\r\n\r\n", "", false),
        ] {
            let (port, served) = web_server(answer);
            let found = portal(&page(port, begins), &[], PATIENCE, 9);
            assert!(
                served
                    .join()
                    .unwrap()
                    .starts_with("GET /known HTTP/1.0\r\nHost: 127.0.0.1\r\n")
            );
            match found {
                Portal::Free => assert!(free, "{answer}"),
                Portal::Captive(what) => {
                    assert!(!free, "{answer}");
                    assert!(
                        !answer.contains("302") || what.ends_with("302 to http://login.example/"),
                        "{what}"
                    );
                }
                Portal::Silent(_) | Portal::NotAsked => panic!("{answer}: {found:?}"),
            }
        }
        let (port, served) = web_server("SSH-2.0-x\r\n");
        assert!(matches!(portal(&page(port, ""), &[], PATIENCE, 9), Portal::Silent(_)));
        served.join().unwrap();
    }

    #[test]
    fn a_lease_is_told_from_an_address_that_was_set_by_hand() {
        // As ip(8) prints it, without what is not read.
        let told = r#"[{"ifindex":1,"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host",
            "valid_life_time":4294967295,"preferred_life_time":4294967295}]},
            {"ifindex":2,"ifname":"eth0","addr_info":[{"family":"inet","local":"10.0.0.7","prefixlen":24,"dynamic":true,
            "valid_life_time":3011,"preferred_life_time":3011},{"family":"inet","local":"10.0.0.70","prefixlen":24,
            "valid_life_time":4294967295,"preferred_life_time":4294967295}]}]"#;
        let of = |text: &str| lease(told, text.parse().unwrap());
        assert_eq!(of("10.0.0.7"), Lease::Until(Duration::from_secs(3011)));
        assert_eq!(of("10.0.0.70"), Lease::ByHand);
        assert_eq!(of("10.0.0.8"), Lease::Unknown);
        assert_eq!(lease("nonsense", [10, 0, 0, 7].into()), Lease::Unknown);
    }

    #[test]
    fn name_servers_are_read_from_the_machine() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(
            root.path().join("etc/resolv.conf"),
            "# made by hand\nsearch plant.example\nnameserver 10.0.0.1\nnameserver ::1\nnameserver nonsense\n",
        )
        .unwrap();
        assert_eq!(
            name_servers(root.path()),
            ["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]
        );
    }
}
