//! `chatctl log-level`: which traces the daemon writes.

use std::time::Duration;

use quorate_adminapi::{Lasting, LogLevel, NewLogLevel};

use super::unchanged;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, Text};

const PATH: &str = "/v1/log-level";

pub(crate) async fn get(link: &Link<'_>) -> Result<Answer, Failure> {
    Ok(shown(&link.get(PATH).await?))
}

pub(crate) async fn set(
    link: &Link<'_>,
    level: &str,
    lasting: Option<Duration>,
    dry_run: bool,
) -> Result<Answer, Failure> {
    if dry_run {
        return Ok(unchanged(get(link).await?));
    }
    let asked = NewLogLevel {
        level: level.to_owned(),
        lasting: lasting.map(Lasting),
    };
    Ok(shown(&link.put(PATH, &asked).await?))
}

fn shown(level: &LogLevel) -> Answer {
    let screen = Screen::default().pairs([
        ("level", Text::new(&level.level)),
        ("configured", Text::new(&level.configured)),
        ("until", Text::or_dash(level.until)),
    ]);
    Answer::new(level, screen)
}
