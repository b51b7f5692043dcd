//! Goes on with what comes: `audit tail -f`.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::cli::Cli;
use crate::command::audit;
use crate::failure::Exit;
use crate::link::Link;
use crate::output::Output;

/// Between two looks at what is new.
const INTERVAL: Duration = Duration::from_millis(500);

/// Only an interrupt, or a reader that is gone, ends it; a daemon that does not answer is asked again.
pub(crate) async fn audit(cli: &Cli, output: &Output, lines: u32) -> Exit {
    let link = Link::new(&cli.global);
    let (mut after, mut is_first) = (None, true);
    let mut told = None;
    loop {
        match audit::tail(&link, after, lines).await {
            Ok((next, answer)) => {
                let is_news = answer.data.as_array().is_some_and(|rows| !rows.is_empty());
                if is_news && let ControlFlow::Break(exit) = output.part(&answer, is_first) {
                    return exit;
                }
                is_first &= !is_news;
                after = next;
                told = None;
            }
            Err(failure) if after.is_none() => return output.failure(&failure),
            // Told once, and not twice a second.
            Err(failure) if told.as_ref() != Some(&failure.error.code) => {
                output.failure(&failure);
                told = Some(failure.error.code);
            }
            Err(_) => {}
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
