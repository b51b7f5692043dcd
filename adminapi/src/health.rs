//! Whether a cluster is healthy, worked out in one place for the daemon, `chatctl` and every monitoring system.

use std::fmt;

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::member::{MemberRole, MemberState};
use crate::status::Status;

/// The answer of `GET /v1/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether the cluster serves, and tolerates as many failures as was asked for: HTTP 200 or 503, exit 0 or 5.
    pub healthy: bool,
    /// The same with a shade between.
    pub level: HealthLevel,
    /// The leader; `null` while none is known.
    pub leader: Option<NodeId>,
    /// How many nodes vote; 0 where this is not known.
    pub voters: u32,
    /// How many of them are up.
    pub voters_up: u32,
    /// How many of them are a majority.
    pub quorum: u32,
    /// How many more may go down before there is no majority.
    pub tolerates: u32,
    /// How many were asked for.
    pub min_tolerance: u32,
    /// What is wrong, worst first; empty only if the level is `ok`.
    pub problems: Vec<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthLevel {
    /// All is well.
    Ok,
    /// The cluster serves as asked for, and something wants an operator.
    Warning,
    /// The cluster does not serve, or would not after fewer failures than asked for.
    Critical,
    /// Nobody could be asked.
    Unknown,
}

impl Health {
    /// The health of a cluster that answered, if it is to tolerate so many failures.
    #[must_use]
    pub fn of(status: &Status, min_tolerance: u32) -> Self {
        let cluster = &status.cluster;
        let mut problems = Vec::new();
        if cluster.voters_up < cluster.quorum {
            problems.push(format!(
                "no majority: {} of {} voters are up and {} are needed",
                cluster.voters_up, cluster.voters, cluster.quorum
            ));
        } else if cluster.leader.is_none() {
            problems.push("no leader".to_owned());
        }
        if cluster.tolerates < min_tolerance {
            let failures = if cluster.tolerates == 1 { "failure" } else { "failures" };
            problems.push(format!(
                "tolerates {} more {failures} and {min_tolerance} were asked for",
                cluster.tolerates
            ));
        }
        let critical = !problems.is_empty();
        problems.extend(status.nodes.iter().filter_map(|node| match (node.role, node.state) {
            (_, MemberState::Up | MemberState::Removed) | (MemberRole::Learner, MemberState::CatchingUp) => None,
            (_, state) => Some(format!("n{} is {state}", node.id)),
        }));
        let level = match (critical, problems.is_empty()) {
            (true, _) => HealthLevel::Critical,
            (false, false) => HealthLevel::Warning,
            (false, true) => HealthLevel::Ok,
        };
        Self {
            healthy: !critical,
            level,
            leader: cluster.leader,
            voters: cluster.voters,
            voters_up: cluster.voters_up,
            quorum: cluster.quorum,
            tolerates: cluster.tolerates,
            min_tolerance,
            problems,
        }
    }

    /// The health of a cluster that could not answer, with what the node knows of it by itself.
    #[must_use]
    pub fn unanswered(problem: String, stale: Option<&Status>, min_tolerance: u32) -> Self {
        let mut health = stale.map_or_else(
            || Self::unknown(min_tolerance),
            |status| Self::of(status, min_tolerance),
        );
        health.healthy = false;
        health.level = HealthLevel::Critical;
        health.problems.insert(0, problem);
        health
    }

    /// The health of a cluster none of whose nodes could be asked.
    #[must_use]
    pub fn unreachable(problem: String, min_tolerance: u32) -> Self {
        Self {
            problems: vec![problem],
            ..Self::unknown(min_tolerance)
        }
    }

    fn unknown(min_tolerance: u32) -> Self {
        Self {
            healthy: false,
            level: HealthLevel::Unknown,
            leader: None,
            voters: 0,
            voters_up: 0,
            quorum: 0,
            tolerates: 0,
            min_tolerance,
            problems: Vec::new(),
        }
    }
}

impl fmt::Display for Health {
    /// One line that begins with OK, WARNING, CRITICAL or UNKNOWN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.level)?;
        if !self.problems.is_empty() {
            write!(f, "{}", self.problems.join("; "))?;
            if self.voters > 0 {
                f.write_str("; ")?;
            }
        }
        if self.voters > 0 {
            let failures = if self.tolerates == 1 { "failure" } else { "failures" };
            write!(
                f,
                "{} of {} voters up, tolerates {} more {failures}",
                self.voters_up, self.voters, self.tolerates
            )?;
            if let Some(leader) = self.leader {
                write!(f, ", leader n{leader}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for HealthLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        })
    }
}
