//! `chatctl recover`: the last resort when a majority is gone for good.

use std::path::Path;

use quorate_core::NodeId;
use quorate_daemon::offline::{self, OpenError, RecoverError, Recovery};

use super::snapshot::blocking;
use crate::cli::QuorumArgs;
use crate::failure::{Exit, Failure};
use crate::output::Answer;
use crate::screen::{Paint, Screen, Text, grouped};

pub(super) async fn quorum(args: &QuorumArgs, dry_run: bool) -> Result<Answer, Failure> {
    let dir = args.data_dir.clone();
    if dry_run || !(args.keep_self && args.i_accept_data_loss) {
        let plan = blocking(move || offline::plan_recovery(&dir)).await;
        let plan = plan.map_err(|error| not_recovered(&error, &args.data_dir))?;
        if !dry_run {
            return Err(unconfirmed(&plan));
        }
        let mut answer = shown(&plan);
        answer.warnings = losses(&plan);
        answer.notes.push("nothing was changed (--dry-run)".to_owned());
        return Ok(answer);
    }
    let done = blocking(move || offline::recover(&dir)).await;
    let done = done.map_err(|error| not_recovered(&error, &args.data_dir))?;
    let mut answer = shown(&done);
    answer.warnings = losses(&done);
    answer.notes.push(format!(
        "start n{} now; it is the whole cluster until others join under new ids",
        done.node
    ));
    Ok(answer)
}

/// Nothing is done without both flags, and it is said what would be.
fn unconfirmed(plan: &Recovery) -> Failure {
    let message = format!(
        "n{} would become the only voter of cluster {}, in place of {}, with its log up to index {} as it is; {}",
        plan.node,
        plan.cluster,
        names(&plan.voters),
        plan.last_log_index,
        losses(plan).join("; ")
    );
    Failure::new(Exit::Refused, "refused", message)
        .hint("if no majority can be brought back by any means: --keep-self --i-accept-data-loss")
}

fn losses(plan: &Recovery) -> Vec<String> {
    let at = plan
        .last_command_at
        .map(|at| format!(" (the last command here is of {at})"))
        .unwrap_or_default();
    vec![
        format!(
            "DATA LOSS: whatever was acknowledged after index {}{at} and is not on this node is lost for ever",
            plan.last_log_index
        ),
        format!(
            "NEVER START AGAIN: {}. Their data are refused from now on and their ids not given again; together they could \
             still go on without this node: destroy their data directories first",
            names(&plan.closed)
        ),
    ]
}

fn shown(plan: &Recovery) -> Answer {
    let screen = Screen::default().pairs([
        ("cluster", Text::new(&plan.cluster)),
        ("only voter", Text::new(format!("n{}", plan.node)).paint(Paint::Strong)),
        ("voters before", Text::new(names(&plan.voters))),
        ("closed for ever", Text::new(names(&plan.closed)).paint(Paint::Bad)),
        ("last log index", Text::new(grouped(plan.last_log_index.0))),
        ("term", Text::new(plan.term)),
        (
            "known as committed",
            Text::or_dash(plan.committed.map(|index| grouped(index.0))),
        ),
        ("last command", Text::or_dash(plan.last_command_at)),
    ]);
    Answer::new(plan, screen)
}

fn names(nodes: &[NodeId]) -> String {
    nodes
        .iter()
        .map(|node| format!("n{node}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn not_recovered(error: &RecoverError, dir: &Path) -> Failure {
    match error {
        RecoverError::Open(OpenError::NotFormed { .. }) => Failure::new(Exit::NotFound, "not-found", error.to_string()),
        RecoverError::Open(OpenError::Locked { .. }) => {
            Failure::new(Exit::Refused, "refused", error.to_string()).hint("stop the daemon that runs on it")
        }
        RecoverError::NeverTookPart | RecoverError::Alone(_) => {
            Failure::new(Exit::Refused, "refused", error.to_string())
        }
        RecoverError::Open(_) => {
            let told = Failure::of_error(Exit::Error, "not-recovered", error);
            Failure::new(
                Exit::Error,
                "not-recovered",
                format!("{}: {}", dir.display(), told.error.message),
            )
        }
    }
}
