//! `chatctl status`: the cluster and its nodes on one screen.

use std::time::SystemTime;

use quorate_adminapi::{Status, UtcTime};

use super::member;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, grouped};

pub(crate) async fn show(link: &Link<'_>, stale: bool) -> Result<Answer, Failure> {
    let mut status: Status = link.get(&format!("/v1/status?stale={stale}")).await?;
    let now = UtcTime::from(SystemTime::now());
    let mut warnings = std::mem::take(&mut status.warnings);
    warnings.extend(member::expiring(&status.nodes, now));
    let screen = Screen::default()
        .heading(heading(&status))
        .grid(member::grid(&status.nodes, now));
    let mut answer = Answer::new(&status, screen);
    answer.warnings = warnings;
    Ok(answer)
}

fn heading(status: &Status) -> String {
    let cluster = &status.cluster;
    let plural = |count: u32, what: &str| {
        if count == 1 {
            format!("{count} {what}")
        } else {
            format!("{count} {what}s")
        }
    };
    let mut parts = vec![
        format!("cluster {}", cluster.name),
        format!("{}, {} up", plural(cluster.voters, "voter"), cluster.voters_up),
    ];
    parts.push(if cluster.voters_up < cluster.quorum {
        format!("NO QUORUM: {} needed", cluster.quorum)
    } else {
        format!("tolerates {}", plural(cluster.tolerates, "more failure"))
    });
    parts.push(match cluster.leader {
        Some(leader) => format!("leader n{leader} (term {})", cluster.term),
        None => format!("no leader (term {})", cluster.term),
    });
    parts.extend(cluster.committed.map(|index| format!("commit {}", grouped(index.0))));
    if status.stale {
        parts.push(format!("as n{} knows it by itself", status.this_node));
    }
    parts.join("  ")
}
