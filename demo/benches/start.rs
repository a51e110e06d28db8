//! Time from start to the first page, and the memory of the running demo. Printed, not judged: `cargo bench -p demo`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement of whole processes, told to a person"
)]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long the line works before its memory is read: past the start of its first runs.
const AT_WORK: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<()> {
    for history in ["0", "40"] {
        measure(history)?;
    }
    Ok(())
}

/// Starts the demo with so many units of history, and prints what it took.
fn measure(history: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--port", "0", "--history", history, "--keep"])
        .arg(folder.path().join("demo"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut output = BufReader::new(demo.stdout.take().context("the demo's output")?);
    let mut roles = Vec::new();
    let address = loop {
        let mut line = String::new();
        anyhow::ensure!(output.read_line(&mut line)? > 0, "the demo ended before it was up");
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [role, "pid", pid] => roles.push(((*role).to_owned(), pid.parse::<i32>()?)),
            ["Live", "page:", address] => {
                break address.trim_start_matches("http://").trim_end_matches('/').to_owned();
            }
            _ => {}
        }
    };
    let page = first_page(&address)?;
    println!(
        "history of {history:>2} units: {:.2} s from start to the first page ({} bytes)",
        began.elapsed().as_secs_f64(),
        page.len()
    );
    std::thread::sleep(AT_WORK);
    for (role, pid) in &roles {
        println!("    {role:18} {}", resident(*pid)?);
    }
    kill(Pid::from_raw(i32::try_from(demo.id())?), Signal::SIGINT)?;
    let status = demo.wait()?;
    anyhow::ensure!(status.success(), "the demo ended with {status}");
    Ok(())
}

/// The live page, whole.
fn first_page(address: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    anyhow::ensure!(
        page.starts_with("HTTP/1.1 200"),
        "the first page is not one: {page:.60}"
    );
    Ok(page)
}

/// A process's resident memory, and its own part of it, as the kernel says.
fn resident(pid: i32) -> anyhow::Result<String> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let rss = kib("Rss:").context("Rss")?;
    let pss = kib("Pss:").context("Pss")?;
    Ok(format!(
        "{:.1} MiB resident, {:.1} MiB its share",
        f64::from(rss) / 1024.0,
        f64::from(pss) / 1024.0
    ))
}
