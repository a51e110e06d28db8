//! A real imp on a serial port that sends BlinkUp by itself (`server.factoryblinkup`), with a factory token that only it can get; and
//! the blessings that units report to its agent. Its firmware and the protocol are in `hw/imp-transmitter/`.

pub mod frame;
pub mod lamp;
pub mod link;
#[cfg(test)]
pub mod peer;

use core::time::Duration;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use blinkup::packet::Wifi;
use fixture_link::bless::BlessEvent;
use serialport::TTYPort;

use self::link::{Link, Message, Told};
use super::serial::Port;
use crate::clock::Clock;

/// How long after a failure the port is opened again.
const AGAIN: Duration = Duration::from_millis(500);

/// How fast the imp sends; the vendor's factory mode (developer.electricimp.com, `server.factoryblinkup`, "BlinkUp Flags").
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// 60 symbols a second.
    Normal,
    /// 142 symbols a second (`BLINKUP_FAST`).
    Fast,
}

impl Speed {
    /// Symbols that it sends in a second.
    pub const fn symbols_a_second(self) -> u8 {
        match self {
            Self::Normal => 60,
            Self::Fast => 142,
        }
    }
}

/// What the imp says that no order waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is there, with its device id and the version of its impOS.
    Up {
        /// 16 hexadecimal digits.
        device_id: String,
        /// As it names it.
        software: String,
    },
    /// A unit's blessing.
    Bless(BlessEvent),
    /// The port was lost, and why; it is opened again.
    Lost(String),
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It has taken the order of this number.
    Taken(u32),
    /// It has sent, for so long; the order's number.
    Sent(u32, Duration),
    /// It did not send, and why: no token, no network, not a factory imp; the order's number.
    NotSent(u32, String),
    /// The order of this number has not reached it: it is not there.
    NotReached(u32),
    /// The order of this number may not have reached it.
    Doubtful(u32),
}

/// Either.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    News(News),
    Event(Event),
}

/// Where both go; an end that nobody listens to any more is no reason to stop.
struct Listeners {
    news: Sender<News>,
    events: Sender<Event>,
}

impl Listeners {
    fn tell(&self, said: Said) {
        match said {
            Said::News(news) => drop(self.news.send(news)),
            Said::Event(event) => drop(self.events.send(event)),
        }
    }
}

/// An order to send.
#[derive(Debug, Clone)]
struct Order {
    number: u32,
    line: String,
}

/// The imp. Dropping it ends its thread; what it is sending then goes on to its end.
pub struct Transmitter {
    orders: Option<Sender<Order>>,
    events: Receiver<Event>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    next: u32,
}

impl Transmitter {
    /// Opens the port, again and again until the imp is there. What it says by itself comes from the receiver.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(port: Port) -> std::io::Result<(Self, Receiver<News>)> {
        let (orders, to_do) = channel();
        let (told, events) = channel();
        let (told_news, news) = channel();
        let listeners = Listeners {
            news: told_news,
            events: told,
        };
        let ended = Arc::new(AtomicBool::new(false));
        let thread = {
            let ended = Arc::clone(&ended);
            std::thread::Builder::new()
                .name("imp transmitter".to_owned())
                .spawn(move || work(&port, &to_do, &listeners, &ended))?
        };
        let transmitter = Self {
            orders: Some(orders),
            events,
            ended,
            thread: Some(thread),
            next: 1,
        };
        Ok((transmitter, news))
    }

    /// Orders a transmission; the number by which its events name it. `None` sends no network, for units without Wi-Fi.
    pub fn send(&mut self, wifi: Option<&Wifi>, speed: Speed) -> u32 {
        let number = self.next;
        self.next += 1;
        let (ssid, password) = wifi.map_or(("", ""), |wifi| (wifi.ssid.as_str(), wifi.password.as_str()));
        let speed = match speed {
            Speed::Normal => 'N',
            Speed::Fast => 'F',
        };
        let line = format!("{number},{},{},{speed}", hexadecimal(ssid), hexadecimal(password));
        if let Some(orders) = &self.orders {
            // A thread that has ended has said so.
            let _ = orders.send(Order { number, line });
        }
        number
    }

    /// Forgets what became of earlier orders.
    pub fn forget(&self) {
        while self.events.try_recv().is_ok() {}
    }

    /// The next event, if there is one.
    pub fn event(&self) -> Option<Event> {
        match self.events.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Event::NotReached(self.next - 1)),
        }
    }
}

impl Drop for Transmitter {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

/// Two digits a byte: names of networks and passwords may hold any.
fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        // A String takes everything.
        let _ = write!(digits, "{byte:02X}");
        digits
    })
}

/// What a message of the imp means (`PROTOCOL.md`, "From the imp").
fn said(message: &Message) -> Option<Said> {
    let mut fields = message.payload.split(',');
    let mut next = || fields.next().filter(|field| !field.is_empty());
    match message.kind {
        b'U' => Some(Said::News(News::Up {
            device_id: next()?.to_owned(),
            software: next().unwrap_or("unknown").to_owned(),
        })),
        b'D' => {
            let (number, millis) = (next()?.parse().ok()?, next()?.parse().ok()?);
            Some(Said::Event(Event::Sent(number, Duration::from_millis(millis))))
        }
        b'F' => {
            let number = next()?.parse().ok()?;
            let why = next().unwrap_or("it does not say why").to_owned();
            Some(Said::Event(Event::NotSent(number, why)))
        }
        b'B' => {
            let (event, device) = (next()?, next()?);
            let blessed = match next()? {
                "1" => true,
                "0" => false,
                _ => return None,
            };
            let hexadecimal = device.len() == 16 && device.bytes().all(|digit| digit.is_ascii_hexdigit());
            hexadecimal.then(|| {
                Said::News(News::Bless(BlessEvent {
                    // Not an id that a webhook might have.
                    event: format!("imp-{event}"),
                    device_id: Some(device.to_owned()),
                    token_id: None,
                    blessed,
                }))
            })
        }
        _ => None,
    }
}

fn work(port: &Port, orders: &Receiver<Order>, told: &Listeners, ended: &AtomicBool) {
    let clock = Clock::start();
    let mut link = Link::default();
    while !ended.load(Ordering::Relaxed) {
        let lost = match port.open() {
            Ok(mut open) => {
                link.reset();
                link.send(b'H', "");
                serve(clock, &mut open, &mut link, orders, told, ended)
            }
            Err(why) => Some(why),
        };
        let Some(why) = lost else { return };
        told.tell(Said::News(News::Lost(why)));
        // An order while the imp is not there has not reached it.
        for order in orders.try_iter() {
            told.tell(Said::Event(Event::NotReached(order.number)));
        }
        let again = clock.now() + AGAIN;
        while clock.now() < again && !ended.load(Ordering::Relaxed) {
            clock.sleep_until(clock.now() + Duration::from_millis(50));
        }
    }
}

/// Serves an open port until it is lost (why), or until the end.
fn serve(
    clock: Clock,
    open: &mut TTYPort,
    link: &mut Link,
    orders: &Receiver<Order>,
    told: &Listeners,
    ended: &AtomicBool,
) -> Option<String> {
    let mut bytes = [0; 256];
    while !ended.load(Ordering::Relaxed) {
        for order in orders.try_iter() {
            link.send(b'S', &order.line);
        }
        let lost = link.step(clock.now());
        let came = match open.read(&mut bytes) {
            Ok(0) => return Some("unplugged".to_owned()),
            Ok(length) => link.receive(bytes.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Vec::new(),
            Err(error) => return Some(error.to_string()),
        };
        for said in lost.into_iter().chain(came).filter_map(|one| worded(&one)) {
            told.tell(said);
        }
        while let Some(line) = link.line() {
            if let Err(error) = open.write_all(&line) {
                return Some(error.to_string());
            }
        }
    }
    None
}

fn worded(told: &Told) -> Option<Said> {
    let number = |message: &Message| message.payload.split(',').next()?.parse().ok();
    match told {
        Told::Came(message) => {
            let said = said(message);
            if said.is_none() {
                tracing::warn!("imp transmitter: a message that makes no sense: {message:?}");
            }
            said
        }
        Told::Arrived(message) if message.kind == b'S' => {
            number(message).map(|number| Said::Event(Event::Taken(number)))
        }
        Told::Lost(message) if message.kind == b'S' => {
            number(message).map(|number| Said::Event(Event::Doubtful(number)))
        }
        Told::Arrived(_) => None,
        Told::Lost(_) => Some(Said::News(News::Lost("the imp does not answer".to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use blinkup::packet::{Password, Ssid};
    use serialport::{SerialPort as _, TTYPort};

    use super::*;

    fn message(kind: u8, payload: &str) -> Message {
        Message {
            kind,
            payload: payload.to_owned(),
        }
    }

    #[test]
    fn messages_of_the_imp_are_events_and_nonsense_is_none() {
        let sent = Event::Sent(3, Duration::from_millis(4200));
        assert_eq!(said(&message(b'D', "3,4200")), Some(Said::Event(sent)));
        let not_sent = Event::NotSent(3, "no token".to_owned());
        assert_eq!(said(&message(b'F', "3,no token")), Some(Said::Event(not_sent)));
        let bless = said(&message(b'B', "17,2000000000000001,1"));
        assert!(matches!(bless, Some(Said::News(News::Bless(event))) if event.blessed && event.event == "imp-17"));
        for (kind, payload) in [
            (b'D', "3"),
            (b'D', "x,1"),
            (b'B', "17,20,1"),
            (b'B', "17,2000000000000001,2"),
            (b'?', ""),
        ] {
            assert_eq!(said(&message(kind, payload)), None, "{payload}");
        }
    }

    fn orders(every: usize) {
        let (device, line) = TTYPort::pair().unwrap();
        let port = Port {
            file: line.name().unwrap().into(),
            baud: 115_200,
        };
        let imp = peer::imp(device, every, 3, |number| {
            vec![
                (b'D', format!("{number},4200")),
                (b'B', format!("{number},200000000000000{number},1")),
            ]
        });
        let (mut transmitter, from_imp) = Transmitter::start(port).unwrap();
        let wifi = Wifi {
            ssid: Ssid::new("line: 1*\u{fc}").unwrap(),
            password: Password::new("pass, word").unwrap(),
        };
        let clock = Clock::start();
        let end = clock.now() + Duration::from_secs(30);
        let (mut events, mut news) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            transmitter.send(Some(&wifi), Speed::Fast);
        }
        while (events.len() < 6 || news.len() < 3) && clock.now() < end {
            events.extend(transmitter.event());
            news.extend(from_imp.try_iter().filter(|news| matches!(news, News::Bless(_))));
            clock.sleep_until(clock.now() + Duration::from_millis(2));
        }
        let expected: Vec<Event> = (1..=3)
            .flat_map(|number| [Event::Taken(number), Event::Sent(number, Duration::from_millis(4200))])
            .collect();
        events.sort_by_key(|event| expected.iter().position(|one| one == event));
        assert_eq!(events, expected);
        let devices: Vec<Option<String>> = news
            .into_iter()
            .map(|news| match news {
                News::Bless(event) => event.device_id,
                News::Up { .. } | News::Lost(_) => None,
            })
            .collect();
        assert_eq!(
            devices,
            [1, 2, 3].map(|number| Some(format!("200000000000000{number}")))
        );
        let said = "6C696E653A20312AC3BC,706173732C20776F7264,F";
        assert_eq!(imp.join().unwrap(), [1, 2, 3].map(|number| format!("{number},{said}")));
        drop(line);
    }

    #[test]
    fn an_imp_on_a_clear_line_takes_each_order_once() {
        orders(0);
    }

    #[test]
    fn an_imp_on_a_line_that_loses_doubles_and_damages_frames_takes_each_order_once() {
        orders(2);
    }
}
