//! `fixture-daemon encode`: configurations in, packets and symbols out.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::process::ExitCode;

use anyhow::Context;
use blinkup::frame::LEAST_PREAMBLE;
use blinkup::packet::{
    Credentials, Enrolment, Packet, Password, Proxy, Settings, SettingsError, Ssid, StaticAddress, Wifi,
};
use serde_json::json;

use super::json_line::{Fields, Json, LineError};

/// The longest line that is looked at; a packet carries 255 bytes, so this is generous.
const LONGEST_LINE: u64 = 65_536;

/// Encodes configurations read from stdin, one JSON object a line.
///
/// Keys: `ssid` and `password`; `token` and `plan_id`; `static` {ip, netmask, gateway, dns1, dns2}; `proxy` {server, port, username,
/// password}; or `clear` alone. Each line gives one line: {"packet", "symbols"} with exactly three preamble bytes, or {"error"}.
#[derive(Debug, clap::Args)]
pub struct Encode {
    /// Reads and writes one JSON object a line.
    #[arg(long, required = true)]
    jsonl: bool,
}

/// Encodes until stdin ends. The exit code is 1 when any line was wrong.
///
/// # Errors
/// Stdin could not be read or stdout not be written.
pub fn run(arguments: &Encode) -> anyhow::Result<ExitCode> {
    let Encode { jsonl: _ } = arguments;
    let input = BufReader::new(io::stdin().lock());
    let wrong = encode_lines(input, io::BufWriter::new(io::stdout().lock()))?;
    Ok(if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Writes a line for each line; flushed whenever the next one may be long in coming. Gives how many were wrong.
fn encode_lines<R: Read>(mut input: BufReader<R>, mut output: impl Write) -> anyhow::Result<u64> {
    let mut wrong = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.context("stdin")? == 0 {
            break;
        }
        let cut = line.last() != Some(&b'\n') && u64::try_from(line.len()) == Ok(LONGEST_LINE);
        let packet = if cut {
            input.skip_until(b'\n').context("stdin")?;
            Err(LineError::new("line", "expected fewer than 65536 bytes"))
        } else {
            packet(&line)
        };
        let written = match packet {
            Ok(packet) => write_packet(&packet, &mut output),
            Err(error) => {
                wrong += 1;
                writeln!(output, "{}", json!({ "error": error.to_string() }))
            }
        };
        written.context("stdout")?;
        if !input.buffer().contains(&b'\n') {
            output.flush().context("stdout")?;
        }
    }
    output.flush().context("stdout")?;
    Ok(wrong)
}

fn write_packet(packet: &Packet, output: &mut impl Write) -> io::Result<()> {
    output.write_all(b"{\"packet\":\"")?;
    for byte in packet.bytes() {
        write!(output, "{byte:02x}")?;
    }
    output.write_all(b"\",\"symbols\":\"")?;
    for symbol in packet.frame(LEAST_PREAMBLE).symbols() {
        write!(output, "{}", symbol.digit())?;
    }
    output.write_all(b"\"}\n")
}

/// The packet that a line asks for.
fn packet(line: &[u8]) -> Result<Packet, LineError> {
    let mut fields = Fields::of_line(line)?;
    if let Some(clear) = fields.take("clear") {
        if !matches!(clear, Json::Flag(true)) {
            return Err(LineError::new("clear", "expected true, or no such key"));
        }
        return match fields.next_key() {
            None => Ok(Packet::clear_settings()),
            Some(other) => Err(LineError::new(&other, "not expected beside clear, which is sent alone")),
        };
    }
    let settings = Settings {
        wifi: wifi(&mut fields)?,
        enrolment: enrolment(&mut fields)?,
        address: fields.take_fields("static")?.map(address).transpose()?,
        proxy: fields.take_fields("proxy")?.map(proxy).transpose()?,
    };
    fields.finish("ssid, password, token, plan_id, static, proxy, or clear alone")?;
    Ok(Packet::configure(&settings)?)
}

fn wifi(fields: &mut Fields) -> Result<Option<Wifi>, LineError> {
    let ssid = fields.take_text("ssid")?.unwrap_or_default();
    let password = fields.take_text("password")?;
    if ssid.is_empty() {
        return match password {
            Some(password) if !password.is_empty() => Err(LineError::new(
                "ssid",
                "missing beside a password, expected 1 to 32 bytes",
            )),
            Some(_) | None => Ok(None),
        };
    }
    let ssid = Ssid::new(&ssid)?;
    let password = password.ok_or_else(|| {
        LineError::new(
            "password",
            "missing beside ssid, expected 0 to 64 bytes (\"\" on an open network)",
        )
    })?;
    let password = Password::new(&password)?;
    Ok(Some(Wifi { ssid, password }))
}

fn enrolment(fields: &mut Fields) -> Result<Option<Enrolment>, LineError> {
    let token = fields.take_text("token")?;
    let plan_id = fields.take_text("plan_id")?;
    let missing = |name: &str, other: &str| {
        LineError::new(name, &format!("missing beside {other}, expected 16 hexadecimal digits"))
    };
    match (token, plan_id) {
        (Some(token), Some(plan_id)) => Ok(Some(Enrolment {
            plan_id: plan_id.parse()?,
            token: token.parse()?,
        })),
        (Some(_), None) => Err(missing("plan_id", "token")),
        (None, Some(_)) => Err(missing("token", "plan_id")),
        (None, None) => Ok(None),
    }
}

fn address(mut fields: Fields) -> Result<StaticAddress, LineError> {
    const EXPECTED: &str = "an IPv4 address as in \"192.168.1.20\"";
    let parsed = |fields: &Fields, name: &str, text: &str| -> Result<Ipv4Addr, LineError> {
        text.parse()
            .map_err(|_| LineError::new(&fields.path(name), &format!("expected {EXPECTED}")))
    };
    let mut required = |name: &str| {
        let text = fields.take_required_text(name, EXPECTED)?;
        parsed(&fields, name, &text)
    };
    let (ip, netmask) = (required("ip")?, required("netmask")?);
    let (gateway, dns1) = (required("gateway")?, required("dns1")?);
    let dns2 = fields.take_text("dns2")?;
    let dns2 = dns2.map(|text| parsed(&fields, "dns2", &text)).transpose()?;
    fields.finish("ip, netmask, gateway, dns1, dns2")?;
    Ok(StaticAddress {
        ip,
        netmask,
        gateway,
        dns1,
        dns2,
    })
}

fn proxy(mut fields: Fields) -> Result<Proxy, LineError> {
    let server = fields.take_required_text("server", "1 to 250 bytes")?;
    let port = match fields.take("port") {
        Some(Json::Whole(port)) => u16::try_from(port).ok().and_then(NonZeroU16::new),
        Some(_) | None => None,
    };
    let port = port.ok_or_else(|| LineError::new(&fields.path("port"), "expected a whole number, 1 to 65535"))?;
    let username = fields.take_text("username")?;
    let password = fields.take_text("password")?;
    let credentials = match (username, password) {
        (Some(username), Some(password)) => Some(Credentials::new(&username, &password)?),
        (Some(_), None) => {
            return Err(LineError::new(
                &fields.path("password"),
                "missing beside username, expected 0 to 246 bytes",
            ));
        }
        (None, Some(_)) => {
            return Err(LineError::new(
                &fields.path("username"),
                "missing beside password, expected 1 to 247 bytes",
            ));
        }
        (None, None) => None,
    };
    fields.finish("server, port, username, password")?;
    Ok(Proxy::new(&server, port, credentials)?)
}

impl From<SettingsError> for LineError {
    fn from(error: SettingsError) -> Self {
        Self::whole(error.to_string())
    }
}
