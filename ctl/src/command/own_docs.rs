//! `chatctl completions` and `chatctl man`: what this program says of itself.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use serde::Serialize;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::Answer;
use crate::screen::Screen;

#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

pub(crate) fn completions(shell: Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "chatctl", &mut script);
    let script = String::from_utf8(script).expect("the help texts are UTF-8");
    let screen = Screen::default().raw(script.as_str());
    Answer::new(
        &Completions {
            shell: shell.to_string(),
            script,
        },
        screen,
    )
}

#[derive(Serialize)]
struct Pages<'a> {
    dir: &'a Path,
    pages: Vec<String>,
}

pub(crate) fn man(dir: &Path) -> Result<Answer, Failure> {
    let failed = |error: std::io::Error| Failure::of_io(&error, format!("{}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.starts_with("chatctl") && name.ends_with(".1") {
            pages.push(name);
        }
    }
    pages.sort();
    let lines: String = pages
        .iter()
        .map(|page| format!("{}\n", dir.join(page).display()))
        .collect();
    Ok(Answer::new(&Pages { dir, pages }, Screen::default().raw(lines)))
}
