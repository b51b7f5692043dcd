//! The wait of a node that has joined, until it is what it wants to be.

use std::time::{Duration, Instant};

use quorate_adminapi::{Member, MemberRole, MemberState, Status};
use quorate_core::{LogIndex, NodeId};

use super::grow::is_beginning;
use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::link::{Link, SILENT, UNREACHABLE};
use crate::screen::grouped;
use crate::wait::{HowFar, Look, Progress};

/// A daemon that does not answer for so long is not being restarted: it is gone.
const RESTART_GRACE: Duration = Duration::from_secs(10);
/// More progress than by any entry: near the end of a log that goes on there is no other to be made.
const NEAR_THE_END: u64 = u64::MAX - 1;
/// And more than that.
const IN_ITS_ROLE: u64 = u64::MAX;

/// Waits until this node has its role and all of the log.
pub(super) async fn caught_up(link: &Link<'_>, global: &Global, node: NodeId, role: MemberRole) -> Result<(), Failure> {
    let mut joining = Joining::new(node, role);
    let waited = Progress::new(global)
        .until(None, async || {
            let found = link.get("/v1/status?stale=true").await;
            joining.look(Instant::now(), found)
        })
        .await;
    waited.unwrap_or(Ok(()))
}

/// A node that has joined, from one look at it to the next.
struct Joining {
    node: NodeId,
    role: MemberRole,
    rate: Rate,
    /// Since when its daemon has not answered.
    silent_since: Option<Instant>,
}

impl Joining {
    fn new(node: NodeId, role: MemberRole) -> Self {
        Self {
            node,
            role,
            rate: Rate::default(),
            silent_since: None,
        }
    }

    fn look(&mut self, now: Instant, found: Result<Status, Failure>) -> Look<Result<(), Failure>> {
        let is_silent = |failure: &Failure| [UNREACHABLE, SILENT].contains(&failure.error.code.as_str());
        let silent_now = found.as_ref().is_err_and(is_silent);
        self.silent_since = silent_now.then(|| self.silent_since.unwrap_or(now));
        let silent = self.silent_since.map(|since| now.duration_since(since));
        let status = match found {
            Ok(status) => status,
            Err(failure) if silent.is_some_and(|silent| silent >= RESTART_GRACE) => {
                return Look::Done(Err(gone(&failure)));
            }
            Err(failure) if is_silent(&failure) => {
                return Look::waiting(format!("waiting for the daemon: {}", failure.error.message));
            }
            Err(failure) if is_beginning(&failure) => {
                return Look::waiting("waiting for the leader to send the log");
            }
            Err(failure) => return Look::Done(Err(failure)),
        };
        let Some(node) = status.node(self.node) else {
            return Look::waiting("waiting for the leader to add this node");
        };
        let all_there = node.state == MemberState::Up && node.lag.is_some();
        match node.role == self.role && all_there {
            true => Look::Done(Ok(())),
            false => Look::Waiting(self.how_far(now, node, status.cluster.committed)),
        }
    }

    fn how_far(&mut self, now: Instant, node: &Member, committed: Option<LogIndex>) -> HowFar {
        let (Some(LogIndex(end)), Some(LogIndex(applied))) = (committed, node.applied) else {
            return HowFar {
                progress: 0,
                text: "waiting for the leader to send the log".to_owned(),
            };
        };
        let per_second = self.rate.of(now, applied);
        let progress = nearness(node, self.role);
        let text = match progress {
            IN_ITS_ROLE => "waiting for the leader to see that this node has caught up".to_owned(),
            NEAR_THE_END => format!("caught up: waiting for the leader to make this node a {}", self.role),
            _ => format!(
                "catching up: {} % ({} of {} entries, {} a second)",
                applied.min(end) * 100 / end.max(1),
                grouped(applied),
                grouped(end),
                grouped(per_second)
            ),
        };
        HowFar { progress, text }
    }
}

/// It has joined all the same: what is left, it does by itself.
fn gone(failure: &Failure) -> Failure {
    let message = format!("the daemon of this node is gone: {}", failure.error.message);
    Failure::new(Exit::NoQuorum, UNREACHABLE, message)
        .hint("its traces say why; once chatd runs again it goes on, and chatctl status shows how far it is")
}

/// How near a node is to having a role with all of the log.
pub(super) fn nearness(node: &Member, role: MemberRole) -> u64 {
    match (node.state, node.role == role) {
        (MemberState::Up | MemberState::Draining, true) => IN_ITS_ROLE,
        (MemberState::Up | MemberState::Draining, false) => NEAR_THE_END,
        _ => node.applied.max(node.matched).map_or(0, |LogIndex(index)| index),
    }
}

/// Entries in a second, over the last looks.
#[derive(Default)]
struct Rate {
    last: Option<(Instant, u64)>,
    per_second: u64,
}

impl Rate {
    fn of(&mut self, now: Instant, applied: u64) -> u64 {
        let (at, before) = *self.last.get_or_insert((now, applied));
        let elapsed = now.duration_since(at);
        if elapsed >= Duration::from_secs(1) {
            let entries = u128::from(applied.saturating_sub(before)) * 1000 / elapsed.as_millis().max(1);
            self.per_second = u64::try_from(entries).unwrap_or(u64::MAX);
            self.last = Some((now, applied));
        }
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use quorate_adminapi::code;

    use super::*;
    use crate::daemon;

    /// n3, a learner that wants to vote, so far.
    fn seen(joining: &mut Joining, applied: u64, end: u64, state: MemberState) -> (u64, String) {
        let mut status = daemon::status(true);
        status.cluster.committed = Some(LogIndex(end));
        let node = &mut status.nodes[2];
        (node.role, node.state) = (MemberRole::Learner, state);
        (node.applied, node.matched) = (Some(LogIndex(applied)), None);
        match joining.look(Instant::now(), Ok(status)) {
            Look::Waiting(HowFar { progress, text }) => (progress, text),
            Look::Done(_) => panic!("it has no vote yet"),
        }
    }

    /// It was taken for a daemon that is just beginning, and waited for without an end.
    #[test]
    fn a_join_whose_daemon_is_gone_ends_and_says_so() {
        let start = Instant::now();
        let mut joining = Joining::new(NodeId(3), MemberRole::Voter);
        let mut silent_at = |seconds| {
            let no_daemon = Failure::new(Exit::NoQuorum, UNREACHABLE, "no daemon answers");
            joining.look(start + Duration::from_secs(seconds), Err(no_daemon))
        };
        assert!(matches!(silent_at(0), Look::Waiting(_)));
        assert!(matches!(silent_at(9), Look::Waiting(_)), "it may be restarted");
        let Look::Done(Err(failure)) = silent_at(10) else {
            panic!("it waits for a daemon that is gone");
        };
        assert_eq!(failure.exit, Exit::NoQuorum);
        assert_eq!(
            failure.error.message,
            "the daemon of this node is gone: no daemon answers"
        );
    }

    #[test]
    fn a_join_whose_daemon_answers_again_goes_on() {
        let start = Instant::now();
        let mut joining = Joining::new(NodeId(3), MemberRole::Voter);
        for seconds in (0..60).step_by(9) {
            let answers = [
                Failure::new(Exit::NoQuorum, UNREACHABLE, "no daemon answers"),
                Failure::new(Exit::NoQuorum, code::NOT_FORMED, "it begins"),
            ];
            for failure in answers {
                let look = joining.look(start + Duration::from_secs(seconds), Err(failure));
                assert!(matches!(look, Look::Waiting(_)), "after {seconds} s");
            }
        }
    }

    #[test]
    fn only_entries_that_it_applies_are_progress_of_a_node_that_catches_up() {
        let mut joining = Joining::new(NodeId(3), MemberRole::Voter);
        let (before, text) = seen(&mut joining, 500, 2000, MemberState::CatchingUp);
        assert_eq!(text, "catching up: 25 % (500 of 2,000 entries, 0 a second)");
        let (log_grew, other_text) = seen(&mut joining, 500, 5000, MemberState::CatchingUp);
        assert!(log_grew == before && other_text != text, "{other_text}");
        assert!(seen(&mut joining, 501, 5000, MemberState::CatchingUp).0 > before);
    }

    #[test]
    fn near_the_end_the_log_that_goes_on_is_no_progress() {
        let mut joining = Joining::new(NodeId(3), MemberRole::Voter);
        let (before, text) = seen(&mut joining, 5000, 5000, MemberState::Up);
        assert_eq!(text, "caught up: waiting for the leader to make this node a voter");
        assert_eq!(seen(&mut joining, 6000, 6001, MemberState::Up), (before, text));
    }
}
