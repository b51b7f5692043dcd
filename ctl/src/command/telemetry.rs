//! `chatctl metrics` and `chatctl version`.

use quorate_adminapi::Version;
use serde::Serialize;

use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::Screen;

#[derive(Serialize)]
struct Metrics {
    openmetrics: String,
}

pub(crate) async fn metrics(link: &Link<'_>) -> Result<Answer, Failure> {
    let openmetrics = link.get_text("/metrics").await?;
    let screen = Screen::default().raw(openmetrics.as_str());
    Ok(Answer::new(&Metrics { openmetrics }, screen))
}

#[derive(Serialize)]
struct Versions {
    chatctl: &'static str,
    /// `null` if no daemon answers.
    chatd: Option<String>,
}

/// Answers without a daemon as well: its own version is what this program surely knows.
pub(crate) async fn version(link: &Link<'_>) -> Answer {
    let daemon = link.get::<Version>("/v1/version").await;
    let (chatd, warning) = match daemon {
        Ok(version) => (Some(version.version), None),
        Err(failure) => (None, Some(failure.error.message)),
    };
    let own = env!("CARGO_PKG_VERSION");
    let lines = chatd.iter().map(|version| format!("chatd {version}\n"));
    let screen = Screen::default().raw(
        [format!("chatctl {own}\n")]
            .into_iter()
            .chain(lines)
            .collect::<String>(),
    );
    let mut answer = Answer::new(&Versions { chatctl: own, chatd }, screen);
    answer.warnings.extend(warning);
    answer
}
