//! `chatctl member promote` and the like, `leave`, and `leader transfer`: what nodes are.

use std::time::Instant;

use quorate_adminapi::{
    ChangeReport, ChangeRequest, HandBackRequest, Member, MemberChange, MemberRole, MemberState, Status,
    TransferRequest, TransferredTo, Votes, code,
};
use quorate_core::NodeId;
use serde_json::json;

use super::grow::{change_deadline, not_finished};
use crate::cli::{Global, HandBackArg, SetAddrArgs};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, Text};
use crate::wait::{Look, Progress};

/// A change, and how it is told.
struct Told {
    /// As in "n3 is promoted".
    done: &'static str,
    /// When the change has taken place, given the node as it is now.
    is_done: fn(Option<&Member>) -> bool,
}

pub(super) async fn promote(link: &Link<'_>, global: &Global, id: NodeId) -> Result<Answer, Failure> {
    let told = Told {
        done: "votes",
        is_done: |node| node.is_some_and(|node| node.role == MemberRole::Voter),
    };
    change(link, global, id, MemberChange::Promote, false, told).await
}

pub(super) async fn demote(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    let told = Told {
        done: "votes no more",
        is_done: |node| node.is_some_and(|node| node.role == MemberRole::Learner),
    };
    change(link, global, id, MemberChange::Demote, force, told).await
}

pub(super) async fn drain(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    let told = Told {
        done: "is drained: it takes no clients and does not lead",
        is_done: |node| node.is_some_and(|node| !node.is_leader && node.state != MemberState::Up),
    };
    change(link, global, id, MemberChange::Drain, force, told).await
}

pub(super) async fn undrain(link: &Link<'_>, global: &Global, id: NodeId) -> Result<Answer, Failure> {
    let told = Told {
        done: "takes clients again",
        is_done: |node| node.is_some_and(|node| node.state != MemberState::Draining),
    };
    change(link, global, id, MemberChange::Undrain, false, told).await
}

pub(super) async fn remove(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    confirm(global, &format!("n{id} leaves the cluster for ever"))?;
    let told = Told {
        done: "is removed",
        is_done: |node| node.is_none(),
    };
    change(link, global, id, MemberChange::Remove, force, told).await
}

pub(super) async fn leave(link: &Link<'_>, global: &Global, force: bool) -> Result<Answer, Failure> {
    let status: Status = link.get("/v1/status?stale=true").await?;
    let id = status.this_node;
    confirm(global, &format!("this node, n{id}, leaves the cluster for ever"))?;
    let asked = json!({"force": force, "dry_run": global.dry_run});
    let report: ChangeReport = link.post("/v1/cluster/leave", &asked).await?;
    let told = Told {
        done: "has left the cluster",
        is_done: |node| node.is_none(),
    };
    finish(link, global, &report, told).await
}

pub(super) async fn replace(link: &Link<'_>, global: &Global, old: NodeId, new: NodeId) -> Result<Answer, Failure> {
    confirm(
        global,
        &format!("n{new} takes the vote of n{old}, which leaves the cluster for ever"),
    )?;
    let told = Told {
        done: "is replaced",
        is_done: |node| node.is_none(),
    };
    change(link, global, old, MemberChange::Replace { by: new }, false, told).await
}

pub(super) async fn set_addr(link: &Link<'_>, global: &Global, args: &SetAddrArgs) -> Result<Answer, Failure> {
    let peer = args.peer_addr.as_ref().or(args.peer.as_ref()).map(ToString::to_string);
    let client = args.client.as_ref().map(ToString::to_string);
    let asked = MemberChange::SetAddr {
        peer_addr: peer.clone(),
        client_addr: client.clone(),
    };
    let report = ask(link, args.id, asked, false, global.dry_run).await?;
    if !global.dry_run && !global.no_wait {
        let is_there = |node: &Member| {
            peer.as_ref().is_none_or(|addr| *addr == node.peer_addr)
                && client.as_ref().is_none_or(|addr| *addr == node.client_addr)
        };
        wait(link, global, args.id, "is where it was said to be", |node| {
            node.is_some_and(is_there)
        })
        .await?;
    }
    Ok(answer(&report, "is where it was said to be", global.dry_run))
}

pub(super) async fn transfer(link: &Link<'_>, global: &Global, to: Option<NodeId>) -> Result<Answer, Failure> {
    let asked = TransferRequest { to };
    if global.dry_run {
        let mut answer = Answer::new(&asked, Screen::default());
        answer.notes.push("dry run: nothing was changed".to_owned());
        return Ok(answer);
    }
    let made: TransferredTo = link.post("/v1/leader/transfer", &asked).await?;
    let screen = Screen::default().raw(format!("n{} leads\n", made.leader));
    Ok(Answer::new(&made, screen))
}

pub(super) async fn hand_back(link: &Link<'_>, mode: HandBackArg, dry_run: bool) -> Result<Answer, Failure> {
    let (on, told) = match mode {
        HandBackArg::On => (Some(true), "a higher id gets leadership by itself once it is well"),
        HandBackArg::Off => (Some(false), "whoever leads keeps leadership"),
        HandBackArg::AsConfigured => (None, "leadership is handed back as the config of whoever leads says"),
    };
    let asked = HandBackRequest { on };
    if dry_run {
        return Ok(super::unchanged(Answer::new(&asked, Screen::default())));
    }
    let () = link.post("/v1/leader/hand-back", &asked).await?;
    Ok(Answer::new(&asked, Screen::default().raw(format!("{told}\n"))))
}

async fn change(
    link: &Link<'_>,
    global: &Global,
    id: NodeId,
    change: MemberChange,
    force: bool,
    told: Told,
) -> Result<Answer, Failure> {
    let report = ask(link, id, change, force, global.dry_run).await?;
    finish(link, global, &report, told).await
}

async fn ask(
    link: &Link<'_>,
    id: NodeId,
    change: MemberChange,
    force: bool,
    dry_run: bool,
) -> Result<ChangeReport, Failure> {
    let asked = ChangeRequest { change, force, dry_run };
    link.post(&format!("/v1/members/{id}/change"), &asked).await
}

async fn finish(link: &Link<'_>, global: &Global, report: &ChangeReport, told: Told) -> Result<Answer, Failure> {
    if !global.dry_run && !global.no_wait {
        wait(link, global, report.id, told.done, told.is_done).await?;
    }
    Ok(answer(report, told.done, global.dry_run))
}

/// Waits until the leader has carried it out.
async fn wait(
    link: &Link<'_>,
    global: &Global,
    id: NodeId,
    done: &str,
    is_done: impl Fn(Option<&Member>) -> bool,
) -> Result<(), Failure> {
    let deadline = Instant::now() + change_deadline(global);
    let waited = Progress::new(global)
        .until(Some(deadline), async || {
            match link.get::<Vec<Member>>("/v1/members").await {
                Ok(nodes) if is_done(nodes.iter().find(|node| node.id == id)) => Look::Done(()),
                Ok(_) => Look::Waiting(format!("waiting for the leader until n{id} {done}")),
                // The node that was asked has gone itself.
                Err(failure) if failure.error.code == "daemon-unreachable" && is_done(None) => Look::Done(()),
                Err(failure) if failure.error.code == code::NO_QUORUM => {
                    Look::Waiting(format!("waiting for a leader: {}", failure.error.message))
                }
                Err(failure) => Look::Waiting(format!("waiting until n{id} {done}: {}", failure.error.message)),
            }
        })
        .await;
    waited.ok_or_else(|| not_finished(global, &format!("n{id} {done}")))
}

fn answer(report: &ChangeReport, done: &str, dry_run: bool) -> Answer {
    let votes = |votes: Votes| {
        Text::new(format!(
            "{} voters, {} reachable, {} needed; tolerates {}",
            votes.voters, votes.reachable, votes.needed, votes.tolerates
        ))
    };
    let mut screen = Screen::default();
    if !dry_run {
        screen = screen.raw(format!("n{} {done}\n", report.id));
    }
    if report.before != report.after || dry_run {
        screen = screen.pairs([("before", votes(report.before)), ("after", votes(report.after))]);
    }
    let mut answer = Answer::new(report, screen);
    answer.warnings.clone_from(&report.warnings);
    if dry_run {
        answer.notes.push("dry run: nothing was changed".to_owned());
    }
    answer
}
