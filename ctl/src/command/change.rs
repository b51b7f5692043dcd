//! `chatctl member promote` and the like, `leave`, and `leader transfer`: what nodes are.

use std::time::Instant;

use quorate_adminapi::{
    ChangeReport, ChangeRequest, HandBackRequest, Member, MemberChange, MemberRole, MemberState, RaftInfo, Status,
    TransferRequest, TransferredTo, Votes, code,
};
use quorate_core::NodeId;
use serde_json::json;

use super::catch_up::nearness;
use super::cause::{Needs, cause};
use super::{dry, unchanged};
use crate::cli::{Global, HandBackArg, SetAddrArgs};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::link::{Link, UNREACHABLE};
use crate::output::Answer;
use crate::screen::{Screen, Text};
use crate::wait::{HowFar, Look, Patience, Progress};

/// A change, and how it is told.
struct Told<'a> {
    /// As in "n3 is promoted".
    done: &'static str,
    /// What the leader needs for it.
    needs: Needs,
    /// When the change has taken place, given the node as it is now.
    is_done: &'a dyn Fn(Option<&Member>) -> bool,
}

pub(super) async fn promote(link: &Link<'_>, global: &Global, id: NodeId) -> Result<Answer, Failure> {
    let told = Told {
        done: "votes",
        needs: Needs::CaughtUp(id),
        is_done: &|node| node.is_some_and(|node| node.role == MemberRole::Voter),
    };
    change(link, global, id, MemberChange::Promote, false, told).await
}

pub(super) async fn demote(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    let told = Told {
        done: "votes no more",
        needs: Needs::OtherLeader(id),
        is_done: &|node| node.is_some_and(|node| node.role == MemberRole::Learner),
    };
    change(link, global, id, MemberChange::Demote, force, told).await
}

pub(super) async fn drain(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    let told = Told {
        done: "is drained: it takes no clients and does not lead",
        needs: Needs::OtherLeader(id),
        is_done: &|node| node.is_some_and(|node| !node.is_leader && node.state != MemberState::Up),
    };
    change(link, global, id, MemberChange::Drain, force, told).await
}

pub(super) async fn undrain(link: &Link<'_>, global: &Global, id: NodeId) -> Result<Answer, Failure> {
    let told = Told {
        done: "takes clients again",
        needs: Needs::Quorum,
        is_done: &|node| node.is_some_and(|node| node.state != MemberState::Draining),
    };
    change(link, global, id, MemberChange::Undrain, false, told).await
}

pub(super) async fn remove(link: &Link<'_>, global: &Global, id: NodeId, force: bool) -> Result<Answer, Failure> {
    confirm(global, &format!("n{id} leaves the cluster for ever"))?;
    let told = Told {
        done: "is removed",
        needs: Needs::OtherLeader(id),
        is_done: &|node| node.is_none(),
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
        needs: Needs::OtherLeader(id),
        is_done: &|node| node.is_none(),
    };
    finish(link, global, &report, Some(id), told).await
}

pub(super) async fn replace(link: &Link<'_>, global: &Global, old: NodeId, new: NodeId) -> Result<Answer, Failure> {
    confirm(
        global,
        &format!("n{new} takes the vote of n{old}, which leaves the cluster for ever"),
    )?;
    let told = Told {
        done: "is replaced",
        needs: Needs::Heir { old, new },
        is_done: &|node| node.is_none(),
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
    let is_there = |node: &Member| {
        peer.as_ref().is_none_or(|addr| *addr == node.peer_addr)
            && client.as_ref().is_none_or(|addr| *addr == node.client_addr)
    };
    let told = Told {
        done: "is where it was said to be",
        needs: Needs::Quorum,
        is_done: &|node| node.is_some_and(is_there),
    };
    finish(link, global, &report, None, told).await
}

pub(super) async fn transfer(link: &Link<'_>, global: &Global, to: Option<NodeId>) -> Result<Answer, Failure> {
    let asked = TransferRequest { to };
    if global.dry_run {
        return Ok(dry(&asked));
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
        return Ok(dry(&asked));
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
    told: Told<'_>,
) -> Result<Answer, Failure> {
    // Before it may be gone: this node alone knows.
    let own: Option<RaftInfo> = link.get("/v1/raft").await.ok();
    let report = ask(link, id, change, force, global.dry_run).await?;
    finish(link, global, &report, own.and_then(|own| own.id), told).await
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

/// `own` is the node that is asked, where that matters.
async fn finish(
    link: &Link<'_>,
    global: &Global,
    report: &ChangeReport,
    own: Option<NodeId>,
    told: Told<'_>,
) -> Result<Answer, Failure> {
    if !global.dry_run && !global.no_wait {
        let patience = Patience::new(Instant::now(), global.timeout);
        wait(link, global, (report.id, own), &told, patience).await?;
    }
    Ok(answer(report, told.done, global.dry_run))
}

/// Waits until the leader has carried it out.
async fn wait(
    link: &Link<'_>,
    global: &Global,
    (id, own): (NodeId, Option<NodeId>),
    told: &Told<'_>,
    patience: Patience,
) -> Result<(), Failure> {
    let mut asked = own;
    Progress::new(global)
        .carried_out(patience, async || {
            let found: Result<Status, Failure> = link.get("/v1/status").await;
            asked = found.as_ref().map_or(asked, |status| Some(status.this_node));
            look(found, asked, id, told)
        })
        .await
}

/// `asked` is the node whose daemon is asked, if it has ever said so.
fn look(found: Result<Status, Failure>, asked: Option<NodeId>, id: NodeId, told: &Told<'_>) -> Look<()> {
    let Told { done, needs, is_done } = told;
    match found {
        Ok(status) if is_done(status.node(id)) => Look::Done(()),
        Ok(status) => {
            let heir = needs.caught_up().and_then(|heir| status.node(heir));
            let cause = cause(&status, *needs).map(|cause| format!(": {cause}"));
            Look::Waiting(HowFar {
                progress: heir.map_or(0, |heir| nearness(heir, MemberRole::Voter)),
                text: format!("waiting for the leader until n{id} {done}{}", cause.unwrap_or_default()),
            })
        }
        // The node that was asked has gone itself.
        Err(failure) if failure.error.code == UNREACHABLE && is_done(None) && asked == Some(id) => Look::Done(()),
        Err(failure) if failure.error.code == code::NO_QUORUM => {
            Look::waiting(format!("waiting for a leader: {}", failure.error.message))
        }
        Err(failure) => Look::waiting(format!("waiting until n{id} {done}: {}", failure.error.message)),
    }
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
    if dry_run { unchanged(answer) } else { answer }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::Cli;
    use crate::daemon::Daemon;
    use crate::failure::Exit;
    use crate::link::SILENT;

    /// A daemon that was slow or had died was taken for the proof that another node was gone.
    #[test]
    fn a_daemon_that_is_silent_has_gone_only_if_its_node_was_to_go() {
        let told = Told {
            done: "is removed",
            needs: Needs::OtherLeader(NodeId(3)),
            is_done: &|node| node.is_none(),
        };
        for (asked, is_done) in [(Some(NodeId(3)), true), (None, false), (Some(NodeId(1)), false)] {
            let silent = Failure::new(Exit::NoQuorum, UNREACHABLE, "no daemon answers");
            let look = look(Err(silent), asked, NodeId(3), &told);
            assert_eq!(matches!(look, Look::Done(())), is_done, "{asked:?}");
        }
        let hung = Failure::new(Exit::NoQuorum, SILENT, "the daemon did not answer within 10s");
        let look = look(Err(hung), Some(NodeId(3)), NodeId(3), &told);
        assert!(!matches!(look, Look::Done(())), "it hangs, and has not gone");
    }

    /// The daemon takes the change, and n3 votes all the same.
    #[tokio::test]
    async fn a_change_that_never_shows_ends_as_unknown_and_says_what_was_waited_for() {
        let daemon = Daemon::healthy();
        let socket = daemon.path.to_str().unwrap();
        let cli = Cli::try_parse_from(["chatctl", "--socket", socket, "member", "demote", "3"]).unwrap();
        let link = Link::new(&cli.global);
        let report = ask(&link, NodeId(3), MemberChange::Demote, false, false).await.unwrap();
        assert!(report.changed);
        let told = Told {
            done: "votes no more",
            needs: Needs::OtherLeader(NodeId(3)),
            is_done: &|node| node.is_some_and(|node| node.role == MemberRole::Learner),
        };
        let begun = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let patience = Patience::new(begun, cli.global.timeout);
        let failure = wait(&link, &cli.global, (report.id, None), &told, patience)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.exit, failure.error.code.as_str()),
            (Exit::Unknown, "not-finished")
        );
        assert_eq!(
            failure.error.message,
            "not done within 30s: waiting for the leader until n3 votes no more: n3 still leads"
        );
        assert!(failure.error.hint.unwrap().contains("it is in the log"));
    }
}
