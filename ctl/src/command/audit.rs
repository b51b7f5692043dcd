//! `chatctl audit`: what operators did, and whether what is told of it is what was written.

use quorate_adminapi::{AuditReport, AuditRow};
use quorate_core::AuditNo;

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text};

/// Entries of one answer at the most, as the daemon has it.
const ENTRIES_MAX: u32 = 1000;

/// The last entries, or those after one; and where to go on.
pub(crate) async fn tail(
    link: &Link<'_>,
    after: Option<AuditNo>,
    lines: u32,
) -> Result<(Option<AuditNo>, Answer), Failure> {
    let path = match after {
        Some(after) => format!("/v1/audit?limit={ENTRIES_MAX}&after={after}"),
        // One at least: it says where to go on.
        None => format!("/v1/audit?limit={}", lines.max(1)),
    };
    let mut rows: Vec<AuditRow> = link.get(&path).await?;
    let last = rows.last().map(|row| row.seq);
    if after.is_none() && lines == 0 {
        rows.clear();
    }
    let mut grid = Grid::new(&[
        Column::right("SEQ"),
        Column::left("AT"),
        Column::left("ACTOR"),
        Column::right("UID").rank(1),
        Column::left("ACTION"),
        Column::left("TARGET"),
        Column::left("OUTCOME"),
        Column::left("HASH").wide(),
    ]);
    for row in &rows {
        let outcome = Text::new(&row.outcome);
        grid.row(vec![
            Text::new(row.seq),
            Text::new(row.at),
            Text::new(&row.actor),
            Text::new(row.uid),
            Text::new(&row.action),
            Text::new(&row.target),
            match row.outcome.as_str() {
                "done" | "unchanged" => outcome,
                _ => outcome.paint(Paint::Odd),
            },
            Text::new(&row.hash),
        ]);
    }
    // Before the first entry there is nothing to go on behind.
    let next = last.or(after).or(Some(AuditNo(0)));
    Ok((next, Answer::new(&rows, Screen::default().grid(grid))))
}

pub(super) async fn verify(link: &Link<'_>) -> Result<Answer, Failure> {
    let report: AuditReport = link.get("/v1/audit/verify").await?;
    let fault = report
        .fault
        .as_ref()
        .map(|fault| format!("entry {}: {}", fault.seq, fault.what));
    let verdict = match (&fault, report.ok) {
        (Some(fault), _) => format!("broken at {fault}"),
        (None, false) => "another node's log is another one".to_owned(),
        (None, true) if report.entries == 0 => "there is no entry yet".to_owned(),
        (None, true) => format!(
            "{} entries, {} to {}, unbroken",
            report.entries, report.first, report.last
        ),
    };
    let mut grid = Grid::new(&[Column::left("NODE"), Column::left("LOG")]);
    for node in &report.nodes {
        let state = Text::new(&node.state);
        let state = if node.state == "differs" {
            state.paint(Paint::Bad)
        } else {
            state
        };
        grid.row(vec![Text::new(format!("n{}", node.id)), state]);
    }
    let mut screen = Screen::default().raw(format!("{verdict}\n"));
    if !report.nodes.is_empty() {
        screen = screen.grid(grid);
    }
    let mut answer = Answer::new(&report, screen);
    if !report.ok {
        answer.exit = Exit::Error;
    }
    Ok(answer)
}
