//! What systemd is told (sd_notify(3)): ready, status, the watchdog, stopping. Without systemd all of
//! it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{sleep, timeout};

use crate::consensus::{Consensus, Role, View};

/// How often more time is asked for at the start, and how much: enough for a few that come late.
const EXTEND_INTERVAL: Duration = Duration::from_secs(5);
const EXTEND_USEC: u32 = 30_000_000;
/// How often the status line is renewed without a watchdog.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// The sockets are bound and the local log is replayed. A quorum is not waited for: five nodes that
/// start together would wait for each other in `systemctl start`.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Asks for more time to start, again and again for as long as it is polled: a long log is no reason to be killed and to
/// begin with it anew.
pub(super) async fn extend_start() {
    loop {
        tell(&[NotifyState::ExtendTimeoutUsec(EXTEND_USEC)]);
        sleep(EXTEND_INTERVAL).await;
    }
}

/// The configuration is being read again.
pub(super) fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    match now {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The node is on its way out.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// A line for `systemctl status`.
pub(super) fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// Keeps the status line fresh and pats the watchdog for as long as Raft's own loop answers: a
/// timer alone would pat it over a loop that hangs.
pub(super) async fn keep(consensus: Consensus) {
    let watchdog = sd_notify::watchdog_enabled();
    let interval = watchdog.map_or(STATUS_INTERVAL, |limit| limit / 3);
    loop {
        if let Ok(Ok(())) = timeout(interval, consensus.beat()).await {
            if watchdog.is_some() {
                tell(&[NotifyState::Watchdog]);
            }
            status(&line(&consensus.view().borrow()));
        }
        sleep(interval).await;
    }
}

/// As [`keep`], for a node that belongs to no cluster: the runtime's own turn is the sign of life.
pub(super) async fn keep_waiting() {
    let watchdog = sd_notify::watchdog_enabled();
    let interval = watchdog.map_or(STATUS_INTERVAL, |limit| limit / 3);
    loop {
        if watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        status("belongs to no cluster; waits for chatctl cluster init or join");
        sleep(interval).await;
    }
}

/// The role and the quorum in one line.
pub(super) fn line(view: &View) -> String {
    let voters = view.voters().count();
    let leader = view
        .leader
        .map_or_else(|| "no leader".to_owned(), |leader| format!("node {leader} leads"));
    let role = match view.role {
        Role::Outside => "not in a cluster yet",
        Role::Learner => "learner",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
        Role::Stopped => "stopped",
    };
    format!(
        "{role}; {leader}, term {}, quorum {} of {voters}",
        view.term, view.quorum
    )
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
