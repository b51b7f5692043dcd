//! Completions and man pages, made out of the command line itself.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;

pub(super) fn completions(shell: Shell) -> Result<(), Exit> {
    // Into memory first: what writes it panics on a broken pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "chat", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}

pub(super) fn man(dir: &Path) -> Result<(), Exit> {
    std::fs::create_dir_all(dir)?;
    Ok(clap_mangen::generate_to(Cli::command(), dir)?)
}
