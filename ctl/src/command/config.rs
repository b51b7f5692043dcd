//! `chatctl config`: what a file says, what is in effect, and reading it again.

use std::path::{Path, PathBuf};
use std::process::Command;

use quorate_adminapi::{Reloaded, Setting, SettingSource};
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text};

/// The daemon's program, which knows what may stand in its config.
const DAEMON: &str = "chatd";
/// The exit code with which it says that there are faults: `EX_CONFIG` of sysexits.h.
const EXIT_FAULTS: i32 = 78;

#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    ok: bool,
    /// A line for each.
    faults: Vec<String>,
}

pub(crate) fn check(file: &Path) -> Result<Answer, Failure> {
    let program = daemon_program();
    let output = Command::new(&program).arg("check-config").arg(file).output();
    let output = output.map_err(|error| {
        Failure::of_io(&error, format!("{}: {error}", program.display()))
            .hint("config check asks the program chatd, which is neither beside chatctl nor in PATH")
    })?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let ok = match output.status.code() {
        Some(0) => true,
        Some(EXIT_FAULTS) => false,
        _ => {
            let told = String::from_utf8_lossy(&output.stderr);
            let message = format!("{} check-config: {}", program.display(), told.trim());
            return Err(Failure::new(Exit::Error, "not-checked", message));
        }
    };
    let faults = if ok {
        Vec::new()
    } else {
        told.lines().map(str::to_owned).collect()
    };
    let lines = if ok {
        format!("{}: ok\n", file.display())
    } else {
        faults.iter().map(|fault| Text::new(fault).shown() + "\n").collect()
    };
    let mut answer = Answer::new(&Checked { file, ok, faults }, Screen::default().raw(lines));
    answer.exit = if ok { Exit::Ok } else { Exit::Error };
    Ok(answer)
}

/// Beside this program, as a package or a build puts them; else wherever PATH finds it.
fn daemon_program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(DAEMON));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| DAEMON.into())
}

pub(crate) async fn show(link: &Link<'_>, effective: bool) -> Result<Answer, Failure> {
    let mut settings: Vec<Setting> = link.get("/v1/config").await?;
    if !effective {
        settings.retain(|setting| setting.source != SettingSource::Default);
    }
    let mut grid = Grid::new(&[
        Column::left("KEY"),
        Column::left("VALUE"),
        Column::left("SOURCE"),
        Column::left("PLACE").rank(1),
        Column::left("RELOADS").rank(0),
    ]);
    for setting in &settings {
        let source = Text::new(setting.source);
        grid.row(vec![
            Text::new(&setting.key),
            Text::or_dash(setting.value.as_ref()),
            match setting.source {
                SettingSource::Default => source,
                _ => source.paint(Paint::Strong),
            },
            Text::or_dash(setting.place.as_ref()),
            Text::new(if setting.reloads { "yes" } else { "no" }),
        ]);
    }
    Ok(Answer::new(&settings, Screen::default().grid(grid)))
}

pub(crate) async fn reload(link: &Link<'_>, dry_run: bool) -> Result<Answer, Failure> {
    let told = if dry_run {
        Reloaded::default()
    } else {
        link.post("/v1/config/reload", &()).await?
    };
    let list = |keys: &[String]| {
        Text::new(if keys.is_empty() {
            "-".to_owned()
        } else {
            keys.join(", ")
        })
    };
    let screen = Screen::default().pairs([
        ("changed", list(&told.changed)),
        ("needs a restart", list(&told.needs_restart)),
        ("certificate until", Text::or_dash(told.cert_expires)),
    ]);
    let mut answer = Answer::new(&told, screen);
    if dry_run {
        answer.notes.push("dry run: nothing was read again".to_owned());
    }
    if !told.needs_restart.is_empty() {
        answer.warnings.push(format!(
            "{} will be in effect after a restart",
            told.needs_restart.join(", ")
        ));
    }
    Ok(answer)
}
