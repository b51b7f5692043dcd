//! `chatctl events`: what has happened to a node, and what happens.

use std::ops::ControlFlow;
use std::time::Duration;

use quorate_adminapi::NodeEvent;

use crate::cli::EventsArgs;
use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::{Answer, Output, complain};
use crate::screen::{Column, Grid, Screen, Text};

/// What is shown of what has been before going on.
const LAST_WHEN_FOLLOWING: usize = 10;
/// Before a daemon that has gone is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn list(link: &Link<'_>, args: &EventsArgs) -> Result<Answer, Failure> {
    let events = last(link, args.last).await?;
    let mut grid = Grid::new(&[
        Column::left("AT"),
        Column::left("KIND"),
        Column::left("NODE"),
        Column::left("WHAT"),
    ]);
    for event in &events {
        grid.row(vec![
            Text::new(event.at),
            Text::new(event.kind),
            node(event),
            Text::new(&event.text),
        ]);
    }
    Ok(Answer::new(&events, Screen::default().grid(grid)))
}

/// Goes on for ever: the daemon may be started anew meanwhile. Ends when nobody reads any more.
pub(crate) async fn follow(link: &Link<'_>, args: &EventsArgs, output: &Output) -> Exit {
    let first = last(link, Some(args.last.unwrap_or(LAST_WHEN_FOLLOWING))).await;
    let events = match first {
        Ok(events) => events,
        Err(failure) => return output.failure(&failure),
    };
    let mut after = 0;
    for event in &events {
        after = event.no;
        if let ControlFlow::Break(exit) = output.line(event, &line(event)) {
            return exit;
        }
    }
    let mut is_told = false;
    loop {
        let path = format!("/v1/events?after={after}&follow=true");
        let ended = link
            .lines(&path, |event: NodeEvent| {
                is_told = false;
                after = event.no;
                output.line(&event, &line(&event))
            })
            .await;
        match ended {
            Ok(ControlFlow::Break(exit)) => return exit,
            Ok(ControlFlow::Continue(())) => {}
            Err(failure) if failure.exit == Exit::NoQuorum => {
                if !std::mem::replace(&mut is_told, true) {
                    complain(&format!("{}; waiting for it", failure.error.message));
                }
            }
            Err(failure) => return output.failure(&failure),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

async fn last(link: &Link<'_>, last: Option<usize>) -> Result<Vec<NodeEvent>, Failure> {
    let mut events: Vec<NodeEvent> = link.get("/v1/events").await?;
    let from = events.len().saturating_sub(last.unwrap_or(usize::MAX));
    Ok(events.split_off(from))
}

fn node(event: &NodeEvent) -> Text {
    Text::or_dash(event.node.map(|node| format!("n{node}")))
}

fn line(event: &NodeEvent) -> String {
    let node = event.node.map_or_else(|| "-".to_owned(), |node| format!("n{node}"));
    Text::new(format!("{}  {:<11}  {node:<4}  {}", event.at, event.kind, event.text)).shown()
}
