//! A model of the imp for tests, on the other end of a pseudo-terminal.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::thread::JoinHandle;

use blinkup::Tick;
use serialport::{SerialPort as _, TTYPort};

use super::link::{Link, Told};
use crate::clock::Clock;

/// An imp that takes so many orders and then listens on for 4 s. Of what it says, its line loses, doubles and damages one of `every` frames;
/// none where that is 0. To an order of a number it says what `answers` has: kinds of messages and their payloads. It ends with its orders.
///
/// # Panics
/// The pseudo-terminal fails.
pub fn imp(
    mut port: TTYPort,
    every: usize,
    sends: usize,
    answers: impl Fn(&str) -> Vec<(u8, String)> + Send + 'static,
) -> JoinHandle<Vec<String>> {
    port.set_timeout(Duration::from_millis(10)).unwrap();
    std::thread::spawn(move || {
        let clock = Clock::start();
        let mut link = Link::default();
        link.send(b'U', "2000000000000009,impOS 42");
        let (mut orders, mut bytes, mut frames) = (Vec::new(), [0; 256], 0);
        let mut done = None;
        let end = clock.now() + Duration::from_mins(1);
        let wait = |at: Tick| at + Duration::from_secs(1);
        while clock.now() < done.map_or(end, wait) {
            link.step(clock.now());
            if let Ok(length) = port.read(&mut bytes) {
                for told in link.receive(&bytes[..length]) {
                    let Told::Came(message) = told else { continue };
                    if message.kind == b'S' {
                        let number = message.payload.split(',').next().unwrap();
                        for (kind, payload) in answers(number) {
                            link.send(kind, &payload);
                        }
                        orders.push(message.payload);
                    }
                }
            }
            if orders.len() == sends && done.is_none() {
                done = Some(clock.now() + Duration::from_secs(4));
            }
            while let Some(mut line) = link.line() {
                frames += 1;
                match (every > 0 && frames % every == 0, frames % 3) {
                    (true, 0) => continue,
                    (true, 1) => line[2] ^= 1,
                    (true, _) => line.extend_from_within(..),
                    (false, _) => {}
                }
                port.write_all(&line).unwrap();
            }
        }
        orders
    })
}
