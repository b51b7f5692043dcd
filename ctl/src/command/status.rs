//! `chatctl status`: the cluster and its nodes on one screen.

use std::time::SystemTime;

use quorate_adminapi::{Status, UtcTime, coarse};

use super::member;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, grouped};

pub(crate) async fn show(link: &Link<'_>, stale: bool) -> Result<Answer, Failure> {
    let mut status: Status = link.get(&format!("/v1/status?stale={stale}")).await?;
    let now = UtcTime::from(SystemTime::now());
    let warnings = std::mem::take(&mut status.warnings);
    let screen = Screen::default()
        .heading(heading(&status, now))
        .grid(member::grid(&status.nodes, now));
    let mut answer = Answer::new(&status, screen);
    answer.warnings = warnings;
    Ok(answer)
}

fn heading(status: &Status, now: UtcTime) -> String {
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
        Some(leader) => {
            let since = cluster.leader_since.and_then(|since| now.after(since));
            let since = since
                .map(|since| format!(", for {}", coarse(since)))
                .unwrap_or_default();
            format!("leader n{leader} (term {}{since})", cluster.term)
        }
        None => format!("no leader (term {})", cluster.term),
    });
    parts.extend(cluster.committed.map(|index| format!("commit {}", grouped(index.0))));
    if status.stale {
        parts.push(format!("as n{} knows it by itself", status.this_node));
    }
    parts.join("  ")
}
