//! `doctor`: what is wrong with a fixture, and what to do about it.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use fixture_ledger::Reports;
use fixture_link::client::{Client, LinkError};
use fixture_link::snapshot::Snapshot;
use nix::sys::statvfs::statvfs;

use crate::config::{Config, Enrolment};
use crate::enrolment::imp_cloud::ImpCloudClient;
use crate::health::{ClockTrust, Grave, Health};
use crate::network::{self, Check, probe};
use crate::real_time;

/// Looks at everything that a fixture needs, and says what is wrong and what to do.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
}

/// A run takes about 20 kB in the ledger with its trace: below this, a shift may not fit any more.
const LEAST_SPACE: u64 = 200 << 20;

/// What was found out about one thing.
enum Finding {
    /// As it should be.
    Good(String),
    /// The fixture works without, but not as well.
    Weak { what: String, remedy: String },
    /// The fixture does not work.
    Bad { what: String, remedy: String },
}

use Finding::{Bad, Good, Weak};

/// Runs the command: exit code 0 when nothing is bad, 1 otherwise.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut bad = 0;
    let mut tell = |thing: &str, finding: Finding| {
        let (sign, what, remedy) = match finding {
            Good(what) => ("good", what, None),
            Weak { what, remedy } => ("weak", what, Some(remedy)),
            Bad { what, remedy } => {
                bad += 1;
                ("BAD ", what, Some(remedy))
            }
        };
        writeln!(out, "{sign}  {thing:<11} {what}")?;
        remedy.map_or(Ok(()), |remedy| writeln!(out, "      {:<11} do: {remedy}", ""))
    };

    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(mistake) => {
            tell(
                "config",
                wrong(
                    mistake,
                    "correct the file; `fixture-daemon check-config FILE` checks it again",
                ),
            )?;
            return Ok(ExitCode::FAILURE);
        }
    };
    tell("config", Good(format!("{}: good", config.file.display())))?;
    tell("recipe", recipe(&config))?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let state = runtime.block_on(Client::new(&config.settings.socket).state());
    tell("daemon", daemon(&state))?;
    let ledger = &config.settings.ledger;
    let reports = ledger.exists().then(|| runtime.block_on(Reports::open(ledger)));
    let opened = match reports {
        None => Weak {
            what: format!("{}: is not there yet", ledger.display()),
            remedy: "nothing: the daemon makes it at its first start".to_owned(),
        },
        Some(Ok(_)) => Good(format!("{}: opens and reads", ledger.display())),
        Some(Err(error)) => wrong(
            error,
            "keep a copy of the file before anything else; then restore it from a backup",
        ),
    };
    tell("ledger", opened)?;
    tell("group", group(ledger))?;
    tell("disk", disk(ledger))?;
    tell("real time", rights(&state))?;
    let machine = Health::read(Path::new("/"));
    tell("machine", Good(machine.worded()))?;
    if machine.clock == ClockTrust::Synchronised {
        tell("clock", Good("synchronised".to_owned()))?;
    }
    for concern in machine.concerns() {
        let (what, remedy) = (concern.what, concern.remedy.to_owned());
        tell(
            concern.part,
            match concern.grave {
                Grave::Weak => Weak { what, remedy },
                Grave::Bad => Bad { what, remedy },
            },
        )?;
    }
    for finding in network(config.network.as_ref()) {
        tell("network", finding)?;
    }
    tell("tokens", tokens(config.enrolment))?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wrong(what: impl core::fmt::Display, remedy: &str) -> Finding {
    Bad {
        what: what.to_string(),
        remedy: remedy.to_owned(),
    }
}

fn recipe(config: &Config) -> Finding {
    if config.remarks.is_empty() {
        return Good(format!(
            "{}: every rung of its ladder fits the {} s that a unit listens",
            config.recipe.name,
            config.recipe.listens_for.as_secs()
        ));
    }
    Weak {
        what: config.remarks.join("; "),
        remedy: "take what is never used out of the files".to_owned(),
    }
}

fn daemon(state: &Result<Snapshot, LinkError>) -> Finding {
    match state {
        Ok(snapshot) => match &snapshot.line.stopped {
            None => Good(format!("runs, version {}", snapshot.fixture.software)),
            Some(stop) => Weak {
                what: format!("runs, but the line is stopped: {}", stop.cause),
                remedy: "see to the cause, then `fixture-daemon act --config FILE acknowledge`".to_owned(),
            },
        },
        Err(error @ LinkError::NotRunning { .. }) => Weak {
            what: error.to_string(),
            remedy: "start it: `systemctl start fixture-daemon`, or `fixture-daemon run --config FILE`".to_owned(),
        },
        Err(error @ LinkError::NotAllowed { .. }) => {
            wrong(error, "run this as root or as a member of the socket's group")
        }
        Err(error @ LinkError::OtherVersion { .. }) => wrong(error, "install one release, then restart the daemon"),
        Err(
            error @ (LinkError::BadMessage { .. }
            | LinkError::Refused { .. }
            | LinkError::Ended { .. }
            | LinkError::Silent { .. }),
        ) => wrong(error, "look into its log: `journalctl -u fixture-daemon`"),
    }
}

fn group(ledger: &Path) -> Finding {
    let Ok(there) = std::fs::metadata(ledger) else {
        return Good("known when the ledger is there".to_owned());
    };
    let mode = there.permissions().mode() & 0o777;
    if mode & 0o040 == 0 {
        return wrong(
            format!(
                "group {} may not read {} (mode {mode:o})",
                there.gid(),
                ledger.display()
            ),
            "chmod g+r on the ledger and its -wal and -shm, so that pages can be shown",
        );
    }
    if mode & 0o007 != 0 {
        return Weak {
            what: format!("everyone may read {} (mode {mode:o})", ledger.display()),
            remedy: "chmod o-rwx on the ledger and its -wal and -shm".to_owned(),
        };
    }
    Good(format!("group {} may read the ledger, others may not", there.gid()))
}

fn disk(ledger: &Path) -> Finding {
    let folder = ledger
        .ancestors()
        .skip(1)
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."));
    let room = match statvfs(folder) {
        Ok(room) => room,
        Err(error) => {
            return wrong(
                format!("{}: {error}", folder.display()),
                "check that the disk is mounted",
            );
        }
    };
    let free = room.blocks_available().saturating_mul(room.fragment_size());
    let megabytes = free >> 20;
    if free < LEAST_SPACE {
        return wrong(
            format!("{megabytes} MB free where the ledger lies"),
            "make room, or move the ledger to a larger disk",
        );
    }
    Good(format!("{megabytes} MB free where the ledger lies"))
}

fn rights(state: &Result<Snapshot, LinkError>) -> Finding {
    let remedy = format!(
        "give the service LimitRTPRIO={}, as systemd/fixture-daemon.service does",
        real_time::PRIORITY
    );
    if let Ok(snapshot) = state {
        return if snapshot.fixture.without_real_time {
            Weak {
                what: "the running daemon has no real-time priority: symbols may be late under load".to_owned(),
                remedy,
            }
        } else {
            Good("the running daemon's lamps have real-time priority".to_owned())
        };
    }
    match real_time::allowed() {
        Ok(()) => Good("this user may have real-time priority".to_owned()),
        Err(why) => Weak {
            what: format!("this user may not have real-time priority ({why})"),
            remedy,
        },
    }
}

fn network(check: Option<&Check>) -> Vec<Finding> {
    let Some(check) = check else {
        return vec![Weak {
            what: "not looked at: a fault of the line's network will be taken for the units'".to_owned(),
            remedy: "name the server that the units connect to in a section [network]".to_owned(),
        }];
    };
    let id = u16::try_from(std::process::id() & 0xffff).unwrap_or(1);
    let judgement = network::judge(check, &probe::look(check, Path::new("/"), id));
    let faults = judgement
        .faults
        .into_iter()
        .map(|fault| wrong(fault.what, fault.remedy));
    let doubts = judgement.doubts.into_iter().map(|doubt| Weak {
        what: doubt.what,
        remedy: doubt.remedy.to_owned(),
    });
    let mut findings: Vec<Finding> = faults.chain(doubts).collect();
    if findings.is_empty() {
        findings.push(Good(judgement.measured));
    }
    findings
}

fn tokens(enrolment: Option<Enrolment>) -> Finding {
    match enrolment {
        None => Good("not needed by the recipe".to_owned()),
        Some(Enrolment::Fixed { .. }) => Good("one fixed token".to_owned()),
        Some(Enrolment::Simulated) => Good("from the simulated cloud".to_owned()),
        Some(Enrolment::ImpCloud(cloud)) => {
            let place = cloud.base_url.clone();
            match ImpCloudClient::new(cloud).and_then(|client| client.reach()) {
                Ok(()) => Good(format!("{place} answers")),
                Err(error) => wrong(
                    format!("{place}: {error}"),
                    "check cable, address, name server and firewall of this fixture, and its clock",
                ),
            }
        }
    }
}
