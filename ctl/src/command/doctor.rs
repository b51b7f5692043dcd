//! `chatctl doctor`: what is wrong, and the line that mends it.

use quorate_adminapi::{Check, Diagnosis, Verdict};

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text};

pub(crate) async fn show(link: &Link<'_>) -> Result<Answer, Failure> {
    let diagnosis: Diagnosis = link.get("/v1/doctor").await?;
    let mut grid = Grid::new(&[
        Column::left("CHECK"),
        Column::left("NODE"),
        Column::left("VERDICT"),
        Column::left("FINDING"),
    ]);
    for check in &diagnosis.checks {
        grid.row(vec![
            Text::new(&check.check),
            node(check),
            verdict(check.verdict),
            Text::new(&check.finding),
        ]);
    }
    let mut screen = Screen::default().grid(grid);
    for check in diagnosis.checks.iter().filter(|check| check.fix.is_some()) {
        screen = screen.raw(format!("\n{}", to_do(check)));
    }
    let counts = [Verdict::Failed, Verdict::Warning, Verdict::Unknown, Verdict::Ok]
        .map(|verdict| format!("{} {verdict}", diagnosis.count(verdict)));
    screen = screen.raw(format!("\n{}\n", counts.join(", ")));
    let mut answer = Answer::new(&diagnosis, screen);
    answer.exit = if diagnosis.healthy { Exit::Ok } else { Exit::Unhealthy };
    Ok(answer)
}

/// What is wrong in one line, and what mends it in the next.
fn to_do(check: &Check) -> String {
    let whose = check.node.map(|node| format!(" of n{node}")).unwrap_or_default();
    let fix = check.fix.as_deref().unwrap_or_default();
    let lines = [
        format!("{}{whose}: {}: {}", check.check, check.verdict, check.finding),
        format!("    {fix}"),
    ];
    lines.map(|line| Text::new(line).shown() + "\n").concat()
}

fn node(check: &Check) -> Text {
    Text::or_dash(check.node.map(|node| format!("n{node}")))
}

fn verdict(verdict: Verdict) -> Text {
    let text = Text::new(verdict);
    match verdict {
        Verdict::Ok => text.paint(Paint::Good),
        Verdict::Unknown => text,
        Verdict::Warning => text.paint(Paint::Odd),
        Verdict::Failed => text.paint(Paint::Bad),
    }
}
