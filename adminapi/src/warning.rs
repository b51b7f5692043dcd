//! What an operator should look at in a status that is no failure yet.

use std::time::Duration;

use crate::member::{Member, MemberRole, MemberState};
use crate::status::Status;
use crate::time::UtcTime;
use crate::unit::format_duration;
use crate::vitals::Advertised;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Certificates live for 30 days and are renewed well before: one that is left so little was not renewed.
pub const EXPIRES_SOON: Duration = DAY.saturating_mul(7);
/// Clocks that are kept by NTP differ by far less, and what goes by age notices far more.
pub const CLOCK_DIFFERENCE_MAX_MS: u64 = 1000;
/// Of the file system: below, a busy room may fill the rest before anybody looks.
pub(crate) const DISK_FREE_PERCENT_MIN: u64 = 10;
/// Entries that a voter may be behind without a word.
pub const LAG_MAX: u64 = 1000;

/// One sentence for each, the weightiest first.
#[must_use]
pub fn warnings(status: &Status, now: UtcTime) -> Vec<String> {
    let cluster = &status.cluster;
    let mut warnings = Vec::new();
    if cluster.voters > 1 && cluster.voters_up >= cluster.quorum && cluster.tolerates == 0 {
        warnings.push(format!(
            "one more failure and there is no majority: {} of {} voters are up and {} are needed",
            cluster.voters_up, cluster.voters, cluster.quorum
        ));
    }
    let present = || status.nodes.iter().filter(|node| node.state != MemberState::Removed);
    for node in present() {
        if node.state == MemberState::Down {
            warnings.push(format!("n{} does not answer", node.id));
        }
        if let Some(lag) = node.lag.filter(|lag| *lag > LAG_MAX && node.role == MemberRole::Voter) {
            warnings.push(format!("n{} lacks {lag} entries", node.id));
        }
        if let Some(ahead) = node.vitals.clock_ahead_ms
            && ahead.unsigned_abs() > CLOCK_DIFFERENCE_MAX_MS
        {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            warnings.push(format!(
                "the clock of n{} is {} {way} that of n{}",
                node.id,
                format_duration(Duration::from_millis(ahead.unsigned_abs())),
                status.this_node
            ));
        }
        if let Some(percent) = node.vitals.disk_free_percent()
            && percent < DISK_FREE_PERCENT_MIN
        {
            warnings.push(format!("the disk of n{} is full but for {percent} %", node.id));
        }
    }
    warnings.extend(expiring(&status.nodes, now));
    warnings.extend(status.mixed_versions());
    if cluster.voters > 1 && cluster.voters.is_multiple_of(2) {
        warnings.push(format!(
            "{} voters tolerate no more failures than {} do",
            cluster.voters,
            cluster.voters - 1
        ));
    }
    warnings
}

/// A warning for each certificate that should have been renewed by now.
#[must_use]
pub fn expiring(nodes: &[Member], now: UtcTime) -> Vec<String> {
    let warn = |node: &Member| match node.cert_expires?.after(now) {
        None => Some(format!("the certificate of n{} has expired", node.id)),
        Some(left) if left < EXPIRES_SOON => {
            Some(format!("the certificate of n{} expires in {}", node.id, coarse(left)))
        }
        Some(_) => None,
    };
    let present = nodes.iter().filter(|node| node.state != MemberState::Removed);
    present.filter_map(warn).collect()
}

/// A warning, with the line that mends it, if a node's config says that it is reached elsewhere than the cluster believes. It
/// still gets through to the others, who do not get through to it once it has lost its connections.
#[must_use]
pub fn misplaced(node: &Member, says: &Advertised) -> Option<String> {
    let found = elsewhere(node, says)?;
    Some(format!("n{} {found}: {}", node.id, move_line(node, says)))
}

/// What is wrong with the addresses.
pub(crate) fn elsewhere(node: &Member, says: &Advertised) -> Option<String> {
    let is_there = says.peer_addr == node.peer_addr && says.client_addr == node.client_addr;
    (!is_there).then(|| {
        format!(
            "is known at {} for nodes and {} for clients, and its config says {} and {}",
            node.peer_addr, node.client_addr, says.peer_addr, says.client_addr
        )
    })
}

/// Tells the cluster what the config says.
pub(crate) fn move_line(node: &Member, says: &Advertised) -> String {
    format!(
        "chatctl member set-addr {} --peer {} --client {}",
        node.id, says.peer_addr, says.client_addr
    )
}

/// Whether there are nodes of two versions.
pub(crate) fn mixed(nodes: &[Member]) -> bool {
    let mut versions = nodes.iter().filter_map(|node| node.version.as_deref());
    let first = versions.next();
    versions.any(|version| Some(version) != first)
}

/// A duration in its largest unit, rounded down, for people.
#[must_use]
pub fn coarse(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::NodeId;

    use super::*;
    use crate::scene::status;

    const NOW: UtcTime = UtcTime::EPOCH;

    fn of(status: &Status) -> Vec<String> {
        warnings(status, NOW)
    }

    #[test]
    fn a_cluster_that_does_well_has_no_warnings() {
        assert_eq!(of(&status(5, &[])), [""; 0]);
        assert_eq!(of(&status(1, &[])), [""; 0], "a node alone was meant to be");
    }

    #[test]
    fn the_last_failure_that_can_be_borne_is_told_before_it_comes() {
        let said = of(&status(5, &[4, 5]));
        assert_eq!(
            said,
            [
                "one more failure and there is no majority: 3 of 5 voters are up and 3 are needed",
                "n4 does not answer",
                "n5 does not answer"
            ]
        );
    }

    #[test]
    fn an_even_number_of_voters_is_told() {
        assert_eq!(of(&status(4, &[])), ["4 voters tolerate no more failures than 3 do"]);
    }

    #[test]
    fn what_is_wrong_with_one_node_is_told_by_its_name() {
        let mut status = status(3, &[]);
        let node = &mut status.nodes[1];
        node.lag = Some(LAG_MAX + 1);
        node.cert_expires = Some(UtcTime::from_unix_ms(5 * 86_400_000));
        node.version = Some("0.2.0".to_owned());
        node.vitals.clock_ahead_ms = Some(-90_000);
        node.vitals.disk_size_bytes = Some(1000);
        node.vitals.disk_free_bytes = Some(99);
        assert_eq!(node.id, NodeId(2));
        assert_eq!(
            of(&status),
            [
                "n2 lacks 1001 entries",
                "the clock of n2 is 90s behind that of n1",
                "the disk of n2 is full but for 9 %",
                "the certificate of n2 expires in 5d",
                "the nodes run different versions"
            ]
        );
    }

    #[test]
    fn a_node_whose_address_has_changed_is_told_with_the_line_that_mends_it() {
        let status = status(3, &[]);
        let says = |peer: &str, client: &str| Advertised {
            peer_addr: peer.to_owned(),
            client_addr: client.to_owned(),
        };
        assert_eq!(misplaced(&status.nodes[0], &says("h1:7401", "h1:7400")), None);
        assert_eq!(
            misplaced(&status.nodes[0], &says("h9:7401", "h1:7400")).unwrap(),
            "n1 is known at h1:7401 for nodes and h1:7400 for clients, and its config says h9:7401 and h1:7400: \
             chatctl member set-addr 1 --peer h9:7401 --client h1:7400"
        );
    }

    #[test]
    fn durations_are_shown_in_their_largest_unit() {
        let shown = [0, 119, 120, 7200, 172_800].map(|seconds| coarse(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "119s", "2m", "2h", "2d"]);
    }
}
