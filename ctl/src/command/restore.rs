//! `chatctl snapshot restore`: a new cluster of one node, made of a backup.

use std::path::PathBuf;

use quorate_adminapi::BackupInfo;
use quorate_core::NodeId;
use quorate_daemon::offline::{self, RestoreAsk, RestoreError, Restored};
use serde::Serialize;

use super::snapshot::{bad_backup, blocking};
use crate::cli::RestoreArgs;
use crate::failure::{Exit, Failure};
use crate::output::Answer;
use crate::screen::{Screen, Text, grouped};

#[derive(Serialize)]
struct Shown {
    /// Of the new cluster; `null` with `--dry-run`.
    cluster: Option<String>,
    /// The fingerprint of its CA, for clients; `null` with `--dry-run`.
    ca: Option<String>,
    node: NodeId,
    data_dir: PathBuf,
    /// Where a new CA is.
    ca_dir: Option<PathBuf>,
    backup: BackupInfo,
}

pub(super) async fn run(args: &RestoreArgs, dry_run: bool) -> Result<Answer, Failure> {
    if !args.new_cluster {
        return Err(Failure::new(
            Exit::Refused,
            "refused",
            "a backup is restored into a new cluster only: a node of the old one would have forgotten what it promised",
        )
        .hint(
            "--new-cluster says that this is meant; a node of a running cluster is replaced under a new id instead",
        ));
    }
    let (file, data_dir, ca_dir) = (args.file.clone(), args.data_dir.clone(), args.ca_dir.clone());
    let node = args.node_id;
    let done = blocking(move || {
        let ask = RestoreAsk {
            file: &file,
            data_dir: &data_dir,
            node,
            ca_dir: ca_dir.as_deref(),
        };
        if dry_run {
            return offline::plan_restore(ask).map(|plan| (plan, None));
        }
        offline::restore(ask).map(
            |Restored {
                 plan,
                 cluster,
                 ca,
                 ca_dir,
             }| (plan, Some((cluster, ca, ca_dir))),
        )
    });
    let (plan, made) = done.await.map_err(not_restored)?;
    let (cluster, ca, ca_dir) = made.map_or((None, None, None), |(cluster, ca, ca_dir)| {
        (Some(cluster), Some(ca), ca_dir)
    });
    let shown = Shown {
        cluster,
        ca,
        node: plan.node,
        data_dir: args.data_dir.clone(),
        ca_dir,
        backup: plan.backup,
    };
    let screen = Screen::default().pairs([
        ("cluster", Text::or_dash(shown.cluster.as_ref())),
        ("ca", Text::or_dash(shown.ca.as_ref())),
        ("node", Text::new(format!("n{}", shown.node))),
        ("data directory", Text::new(shown.data_dir.display())),
        ("restored to index", Text::new(grouped(shown.backup.index.0))),
        ("users", Text::new(grouped(shown.backup.users))),
        ("rooms", Text::new(grouped(shown.backup.rooms))),
        ("messages", Text::new(grouped(shown.backup.messages))),
    ]);
    let mut answer = Answer::new(&shown, screen);
    if dry_run {
        answer.notes.push("nothing was written (--dry-run)".to_owned());
        return Ok(answer);
    }
    answer.notes.push(format!(
        "start it with chatd and a config with data_dir = \"{}\"; its owner must be the daemon's user",
        shown.data_dir.display()
    ));
    match &shown.ca_dir {
        Some(dir) => answer.notes.push(format!(
            "the CA is new, so clients ask whether to trust it: tell them its fingerprint, and keep {} where no node is",
            dir.display()
        )),
        None => answer.notes.push("clients trust it as they did".to_owned()),
    }
    Ok(answer)
}

fn not_restored(error: RestoreError) -> Failure {
    match &error {
        RestoreError::NotEmpty { .. } => Failure::new(Exit::Refused, "refused", error.to_string())
            .hint("give a directory that is empty or not there"),
        RestoreError::IdUsed { highest, .. } => Failure::new(Exit::Refused, "refused", error.to_string())
            .hint(format!("the lowest id that is free is {}", highest.0 + 1)),
        RestoreError::Backup { path, source } => bad_backup(path, source),
        RestoreError::Io { path, source } => Failure::of_io(source, format!("{}: {source}", path.display())),
        _ => Failure::of_error(Exit::Error, "not-restored", &error),
    }
}
