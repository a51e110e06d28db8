//! Writes the manual pages and shell completions of both binaries into a folder: `fixture-package FOLDER`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap_complete::Shell;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("expected one folder to write into");
    };
    let folder = PathBuf::from(folder);
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&pages, &completions] {
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    for command in [fixture_daemon::command::interface(), fixture_ui::command::interface()] {
        write(&command, &pages, &completions)?;
    }
    Ok(())
}

fn write(command: &clap::Command, pages: &Path, completions: &Path) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    // A page a command, as `fixture-daemon-run(1)`; `help` explains itself.
    clap_mangen::generate_to(without_help(command.clone()), pages).with_context(|| format!("{name}: manual pages"))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), &name, completions)
            .with_context(|| format!("{name}: completions for {shell}"))?;
    }
    Ok(())
}

fn without_help(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}
