//! What `chatctl doctor` looks at, and what to do about it. The rules are here so that the daemon, `chatctl` and a test judge
//! alike; the measuring is the daemon's.

use std::time::Duration;

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::member::{Member, MemberRole, MemberState};
use crate::status::Status;
use crate::time::UtcTime;
use crate::unit::{format_bytes, format_duration};
use crate::vitals::NodeReport;
use crate::warning::{
    CLOCK_DIFFERENCE_MAX_MS, DISK_FREE_PERCENT_MIN, EXPIRES_SOON, LAG_MAX, coarse, elsewhere, mixed, move_line,
};

/// A clock that is off by so much is no longer believed by the others.
const CLOCK_DIFFERENCE_FAILS_MS: u64 = 60_000;
/// Every message waits for a sync: past this, people notice.
const FSYNC_SLOW_US: u64 = 64_000;
/// Past this, elections are lost to the disk.
const FSYNC_FAILS_US: u64 = 512_000;
/// Below this of the file system nothing can be compacted, and the daemon soon ends for want of room.
const DISK_FREE_PERCENT_FAILS: u64 = 3;
/// What a path takes that carries IPv6, less the headers (RFC 8200, section 5). At QUIC's own floor of 1200 something is in the
/// way.
const MTU_BYTES_MIN: u16 = 1232;
/// Packets after which a link is known well enough to be judged.
const LINK_PACKETS_MIN: u64 = 1000;
/// Lost packets, of a thousand.
const LOST_PER_MILLE_MAX: u64 = 10;
/// Of the files that may be open, so many of 100 are.
const FILES_PERCENT_MAX: u64 = 80;
/// Below this a busy node's connections to its admin socket and its files do not fit.
const FILES_MIN: u64 = 1024;

/// The answer of `GET /v1/doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Whether no check has failed: exit 0 or 5.
    pub healthy: bool,
    /// All checks, those of the cluster first.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What, in a word that stays.
    pub check: String,
    /// On which node; `null` for the cluster.
    pub node: Option<NodeId>,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub finding: String,
    /// The line that mends it, where there is something to mend.
    pub fix: Option<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Unknown,
    /// It works, and should be better.
    Warning,
    /// It does not work, or soon will not.
    Failed,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Failed => "failed",
        })
    }
}

impl Diagnosis {
    /// Judges a cluster by what one node sees of it, and by what the nodes say of themselves.
    #[must_use]
    pub fn of(status: &Status, reports: &[NodeReport], now: UtcTime) -> Self {
        let mut checks = vec![quorum(status), parity(status), versions(status)];
        for node in status.nodes.iter().filter(|node| node.state != MemberState::Removed) {
            checks.extend(of_member(node, now));
            let report = reports.iter().find(|report| report.id == node.id);
            checks.extend(report.into_iter().flat_map(of_report));
            checks.extend(report.and_then(|report| addrs(node, report)));
        }
        let healthy = checks.iter().all(|check| check.verdict != Verdict::Failed);
        Self { healthy, checks }
    }

    /// How many checks went like this.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }
}

impl Check {
    fn new(check: &str, node: Option<NodeId>, verdict: Verdict, finding: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            node,
            verdict,
            finding: finding.into(),
            fix: None,
        }
    }

    /// What mends it, unless it is well.
    fn fix(self, fix: impl Into<String>) -> Self {
        let fix = (self.verdict > Verdict::Unknown).then(|| fix.into());
        Self { fix, ..self }
    }
}

/// The worse of two limits that a value is over.
fn judge(value: u64, warns: u64, fails: u64) -> Verdict {
    match value {
        value if value > fails => Verdict::Failed,
        value if value > warns => Verdict::Warning,
        _ => Verdict::Ok,
    }
}

fn quorum(status: &Status) -> Check {
    let cluster = &status.cluster;
    let verdict = if cluster.voters_up < cluster.quorum || cluster.leader.is_none() {
        Verdict::Failed
    } else if cluster.tolerates == 0 && cluster.voters > 1 {
        Verdict::Warning
    } else {
        Verdict::Ok
    };
    let led = match cluster.leader {
        Some(leader) => format!("n{leader} leads"),
        None => "no node leads".to_owned(),
    };
    let finding = format!(
        "{} of {} voters are up, {} are needed, {} more may fail; {led}",
        cluster.voters_up, cluster.voters, cluster.quorum, cluster.tolerates
    );
    let down: Vec<String> = status
        .nodes
        .iter()
        .filter(|node| node.role == MemberRole::Voter && node.state == MemberState::Down)
        .map(|node| format!("n{}", node.id))
        .collect();
    let fix = if down.is_empty() {
        "chatctl cluster token create, and chatctl cluster join on another machine".to_owned()
    } else {
        format!("systemctl start chatd    (on {})", down.join(", "))
    };
    Check::new("quorum", None, verdict, finding).fix(fix)
}

fn parity(status: &Status) -> Check {
    let voters = status.cluster.voters;
    let even = voters > 1 && voters.is_multiple_of(2);
    let verdict = if even { Verdict::Warning } else { Verdict::Ok };
    let finding = if even {
        format!("{voters} voters tolerate no more failures than {} do", voters - 1)
    } else {
        format!("{voters} voters")
    };
    Check::new("voters", None, verdict, finding).fix("chatctl member demote ID, or join one more node")
}

fn versions(status: &Status) -> Check {
    let mut versions: Vec<&str> = status.nodes.iter().filter_map(|node| node.version.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    let verdict = match (versions.is_empty(), mixed(&status.nodes)) {
        (true, _) => Verdict::Unknown,
        (false, true) => Verdict::Warning,
        (false, false) => Verdict::Ok,
    };
    Check::new("versions", None, verdict, versions.join(", "))
        .fix("apt-get install --only-upgrade chatd    (one node at a time; chatctl version --cluster)")
}

fn of_member(node: &Member, now: UtcTime) -> Vec<Check> {
    let id = Some(node.id);
    let is_up = node.state != MemberState::Down;
    let state = Check::new(
        "up",
        id,
        if is_up { Verdict::Ok } else { Verdict::Failed },
        format!("{} ({})", node.state, node.peer_addr),
    )
    .fix(format!("systemctl status chatd    (on n{})", node.id));
    if !is_up {
        return vec![state];
    }
    let certificate = match node.cert_expires.map(|expires| expires.after(now)) {
        None => Check::new("certificate", id, Verdict::Unknown, "not known"),
        Some(None) => Check::new("certificate", id, Verdict::Failed, "it has expired"),
        Some(Some(left)) => {
            let verdict = if left < EXPIRES_SOON {
                Verdict::Warning
            } else {
                Verdict::Ok
            };
            Check::new("certificate", id, verdict, format!("good for {}", coarse(left)))
        }
    };
    let lag = match node.lag {
        None => Check::new("lag", id, Verdict::Unknown, "not known"),
        Some(lag) => {
            // A learner is behind until it is not.
            let is_late = lag > LAG_MAX && node.role == MemberRole::Voter;
            let verdict = if is_late { Verdict::Warning } else { Verdict::Ok };
            Check::new("lag", id, verdict, format!("{lag} entries"))
        }
    };
    vec![
        state,
        certificate.fix(format!("chatctl certs renew --node {}", node.id)),
        lag.fix(format!(
            "chatctl top    (n{} cannot keep up: its disk, its CPU or the network)",
            node.id
        )),
    ]
}

/// None of a node that does not tell.
fn addrs(node: &Member, report: &NodeReport) -> Option<Check> {
    let says = report.advertised.as_ref()?;
    let (verdict, finding) = match elsewhere(node, says) {
        None => (Verdict::Ok, format!("{}, {}", node.peer_addr, node.client_addr)),
        Some(found) => (Verdict::Warning, format!("it {found}")),
    };
    Some(Check::new("addrs", Some(node.id), verdict, finding).fix(move_line(node, says)))
}

fn of_report(report: &NodeReport) -> Vec<Check> {
    let mut checks = vec![clock(report), fsync(report), disk(report), files(report)];
    checks.extend(sockets(report));
    checks.extend(link(report));
    checks
}

fn clock(report: &NodeReport) -> Check {
    let id = Some(report.id);
    let Some(ahead) = report.vitals.clock_ahead_ms else {
        return Check::new("clock", id, Verdict::Unknown, "not known");
    };
    let off = ahead.unsigned_abs();
    // What the network took to tell is no fault of the clock.
    let surely = off.saturating_sub(report.clock_error_ms.unwrap_or_default());
    let way = if ahead < 0 { "behind" } else { "ahead" };
    let finding = format!("{} {way}", format_duration(Duration::from_millis(off)));
    let verdict = judge(surely, CLOCK_DIFFERENCE_MAX_MS, CLOCK_DIFFERENCE_FAILS_MS);
    Check::new("clock", id, verdict, finding).fix(format!("timedatectl set-ntp true    (on n{})", report.id))
}

fn fsync(report: &NodeReport) -> Check {
    let id = Some(report.id);
    let Some(p99) = report.vitals.fsync_p99_us else {
        return Check::new("fsync", id, Verdict::Unknown, "no sync yet");
    };
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let finding = format!("99 of 100 within {:.1} ms", p99 as f64 / 1000.0);
    Check::new("fsync", id, judge(p99, FSYNC_SLOW_US, FSYNC_FAILS_US), finding).fix(format!(
        "chatctl config show --effective | grep node.data_dir    (on n{}: move it to a disk of its own)",
        report.id
    ))
}

fn disk(report: &NodeReport) -> Check {
    let id = Some(report.id);
    let (Some(percent), Some(free)) = (report.vitals.disk_free_percent(), report.vitals.disk_free_bytes) else {
        return Check::new("disk", id, Verdict::Unknown, "not known");
    };
    let verdict = match percent {
        percent if percent < DISK_FREE_PERCENT_FAILS => Verdict::Failed,
        percent if percent < DISK_FREE_PERCENT_MIN => Verdict::Warning,
        _ => Verdict::Ok,
    };
    let finding = format!("{} free, {percent} %", format_bytes(free));
    Check::new("disk", id, verdict, finding).fix(format!(
        "chatctl retention --max-age 365d, or a larger disk    (n{})",
        report.id
    ))
}

fn files(report: &NodeReport) -> Check {
    let id = Some(report.id);
    let Some((open, max)) = report.open_fds.zip(report.max_fds.filter(|max| *max > 0)) else {
        return Check::new("files", id, Verdict::Unknown, "not known");
    };
    let verdict = if open.saturating_mul(100) / max > FILES_PERCENT_MAX {
        Verdict::Failed
    } else if max < FILES_MIN {
        Verdict::Warning
    } else {
        Verdict::Ok
    };
    Check::new("files", id, verdict, format!("{open} open, {max} allowed")).fix(format!(
        "systemctl edit chatd    (on n{}: [Service] LimitNOFILE=65536, then restart)",
        report.id
    ))
}

fn sockets(report: &NodeReport) -> Vec<Check> {
    let id = Some(report.id);
    let fix = || {
        format!(
            "sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608    (on n{}, then restart chatd; \
             /etc/sysctl.d keeps it)",
            report.id
        )
    };
    let of_socket = |socket: &crate::vitals::SocketReport| {
        let least = socket.receive_bytes.min(socket.send_bytes);
        let verdict = if least < socket.asked_bytes {
            Verdict::Warning
        } else {
            Verdict::Ok
        };
        let finding = format!(
            "{} port: {} of {} given",
            socket.port,
            format_bytes(least.min(socket.asked_bytes)),
            format_bytes(socket.asked_bytes)
        );
        let buffers = Check::new("udp-buffers", id, verdict, finding).fix(fix());
        let drops = match socket.dropped {
            None => Check::new(
                "udp-drops",
                id,
                Verdict::Unknown,
                format!("{} port: not known", socket.port),
            ),
            Some(dropped) => {
                let verdict = if dropped > 0 { Verdict::Warning } else { Verdict::Ok };
                Check::new(
                    "udp-drops",
                    id,
                    verdict,
                    format!("{} port: {dropped} packets", socket.port),
                )
            }
        };
        [buffers, drops.fix(fix())]
    };
    report.sockets.iter().flat_map(of_socket).collect()
}

fn link(report: &NodeReport) -> Vec<Check> {
    let id = Some(report.id);
    let Some(link) = report.link else { return Vec::new() };
    let known = link.sent_packets >= LINK_PACKETS_MIN;
    let small = link.mtu_bytes < MTU_BYTES_MIN;
    let verdict = match (small, known) {
        (false, _) => Verdict::Ok,
        // Larger packets are tried one after the other.
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Warning,
    };
    let mtu = Check::new(
        "mtu",
        id,
        verdict,
        format!("packets of {} bytes go through", link.mtu_bytes),
    )
    .fix(format!(
        "tracepath n{}'s address    (a tunnel on the way has a small MTU; raise it to 1500)",
        report.id
    ));
    let lost = link.lost_packets.saturating_mul(1000) / link.sent_packets.max(1);
    let verdict = match (known, lost > LOST_PER_MILLE_MAX) {
        (false, _) => Verdict::Unknown,
        (true, true) => Verdict::Warning,
        (true, false) => Verdict::Ok,
    };
    let finding = format!("{} of {} packets lost", link.lost_packets, link.sent_packets);
    let loss = Check::new("loss", id, verdict, finding).fix(format!(
        "mtr --udp n{}'s address    (the network between the nodes loses packets)",
        report.id
    ));
    vec![mtu, loss]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::status;
    use crate::vitals::{Advertised, LinkReport, SocketReport, Vitals};

    const NOW: UtcTime = UtcTime::EPOCH;

    /// A node without a fault.
    fn report(id: u64) -> NodeReport {
        NodeReport {
            vitals: Vitals {
                rtt_us: Some(300),
                fsync_p99_us: Some(2000),
                clock_ahead_ms: Some(3),
                disk_free_bytes: Some(50 << 30),
                disk_size_bytes: Some(100 << 30),
                catch_up_percent: None,
            },
            clock_error_ms: Some(1),
            open_fds: Some(40),
            max_fds: Some(65_536),
            sockets: vec![SocketReport {
                port: "peer".to_owned(),
                asked_bytes: 8 << 20,
                receive_bytes: 16 << 20,
                send_bytes: 16 << 20,
                dropped: Some(0),
            }],
            link: Some(LinkReport {
                mtu_bytes: 1452,
                sent_packets: 5000,
                lost_packets: 2,
            }),
            advertised: Some(Advertised {
                peer_addr: format!("h{id}:7401"),
                client_addr: format!("h{id}:7400"),
            }),
            ..NodeReport::silent(NodeId(id), MemberRole::Voter, false)
        }
    }

    fn reports(change: impl Fn(&mut NodeReport)) -> Vec<NodeReport> {
        let mut reports: Vec<_> = (1..=3).map(report).collect();
        change(&mut reports[1]);
        reports
    }

    /// What is not well: check, node, verdict.
    fn ills(diagnosis: &Diagnosis) -> Vec<(&str, Option<u64>, Verdict)> {
        let ill = diagnosis.checks.iter().filter(|check| check.verdict != Verdict::Ok);
        ill.map(|check| (check.check.as_str(), check.node.map(|node| node.0), check.verdict))
            .collect()
    }

    #[test]
    fn a_cluster_without_a_fault_passes_every_check() {
        let diagnosis = Diagnosis::of(&status(3, &[]), &reports(|_| {}), NOW);
        assert_eq!(ills(&diagnosis), []);
        assert!(diagnosis.healthy);
        assert!(diagnosis.checks.iter().all(|check| check.fix.is_none()));
    }

    #[test]
    fn each_fault_is_found_on_its_node_and_comes_with_the_line_that_mends_it() {
        type Change = fn(&mut NodeReport);
        let faults: [(Change, &str, Verdict); 13] = [
            (|r| r.vitals.clock_ahead_ms = Some(-5000), "clock", Verdict::Warning),
            (|r| r.vitals.clock_ahead_ms = Some(120_000), "clock", Verdict::Failed),
            (|r| r.vitals.fsync_p99_us = Some(128_000), "fsync", Verdict::Warning),
            (|r| r.vitals.fsync_p99_us = Some(1_024_000), "fsync", Verdict::Failed),
            (|r| r.vitals.disk_free_bytes = Some(5 << 30), "disk", Verdict::Warning),
            (|r| r.vitals.disk_free_bytes = Some(1 << 30), "disk", Verdict::Failed),
            (|r| r.max_fds = Some(45), "files", Verdict::Failed),
            (|r| r.max_fds = Some(256), "files", Verdict::Warning),
            (
                |r| r.sockets[0].receive_bytes = 425_984,
                "udp-buffers",
                Verdict::Warning,
            ),
            (|r| r.sockets[0].dropped = Some(7), "udp-drops", Verdict::Warning),
            (|r| r.link.as_mut().unwrap().mtu_bytes = 1200, "mtu", Verdict::Warning),
            (
                |r| r.link.as_mut().unwrap().lost_packets = 500,
                "loss",
                Verdict::Warning,
            ),
            (
                |r| r.advertised.as_mut().unwrap().client_addr = "h9:7400".to_owned(),
                "addrs",
                Verdict::Warning,
            ),
        ];
        for (change, check, verdict) in faults {
            let diagnosis = Diagnosis::of(&status(3, &[]), &reports(change), NOW);
            assert_eq!(ills(&diagnosis), [(check, Some(2), verdict)]);
            assert_eq!(diagnosis.healthy, verdict != Verdict::Failed);
            let fixes: Vec<_> = diagnosis.checks.iter().filter_map(|check| check.fix.as_ref()).collect();
            assert_eq!(fixes.len(), 1, "{check}");
        }
    }

    #[test]
    fn a_clock_is_not_blamed_for_a_slow_network() {
        let slow = reports(|report| {
            report.vitals.clock_ahead_ms = Some(1500);
            report.clock_error_ms = Some(800);
        });
        assert_eq!(ills(&Diagnosis::of(&status(3, &[]), &slow, NOW)), []);
    }

    #[test]
    fn a_node_that_is_down_fails_and_nothing_else_is_said_of_it() {
        let diagnosis = Diagnosis::of(&status(3, &[3]), &[report(1), report(2)], NOW);
        assert_eq!(
            ills(&diagnosis),
            [("quorum", None, Verdict::Warning), ("up", Some(3), Verdict::Failed)]
        );
        let fix = diagnosis.checks[0].fix.as_deref().unwrap();
        assert_eq!(fix, "systemctl start chatd    (on n3)");
    }

    #[test]
    fn a_cluster_without_a_majority_fails() {
        let mut status = status(3, &[2, 3]);
        status.cluster.leader = None;
        let diagnosis = Diagnosis::of(&status, &[report(1)], NOW);
        assert_eq!(diagnosis.checks[0].verdict, Verdict::Failed);
        assert_eq!(
            diagnosis.checks[0].finding,
            "1 of 3 voters are up, 2 are needed, 0 more may fail; no node leads"
        );
    }

    #[test]
    fn two_versions_and_an_even_number_of_voters_are_told() {
        let mut status = status(2, &[]);
        status.nodes[0].version = Some("0.2.0".to_owned());
        let diagnosis = Diagnosis::of(&status, &[report(1), report(2)], NOW);
        let ills: Vec<_> = ills(&diagnosis).into_iter().map(|(check, ..)| check).collect();
        assert_eq!(ills, ["quorum", "voters", "versions"]);
        assert_eq!(diagnosis.checks[2].finding, "0.1.0, 0.2.0");
    }
}
