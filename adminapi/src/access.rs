//! Who may come in, and what operators did.

use quorate_core::{AuditNo, BanId, NodeId};
use serde::{Deserialize, Serialize};

use crate::{Lasting, UtcTime};

/// A ban from the cluster: a row of `GET /v1/bans`, and what `POST /v1/bans` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Its id.
    pub id: BanId,
    /// The account that stays out; `null` where it is a network.
    pub user: Option<String>,
    /// The network that stays out, as `192.0.2.0/24`; `null` where it is an account.
    pub network: Option<String>,
    /// Since when.
    pub created_at: UtcTime,
    /// Until when; `null` for ever.
    pub until: Option<UtcTime>,
    /// Why.
    pub reason: Option<String>,
    /// The user id of the process that made it.
    pub by_uid: u32,
}

/// What `POST /v1/bans` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBan {
    /// A user's name, an address, or a range of addresses.
    pub subject: String,
    /// For how long; without it for ever.
    #[serde(default)]
    pub ttl: Option<Lasting>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `GET` and `PUT /v1/lockdown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockdownMode {
    /// `off`, `no-register`, `auth-only` or `read-only`.
    pub mode: String,
}

/// An entry of the audit log: a row of `GET /v1/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in the log.
    pub seq: AuditNo,
    /// When, in log time.
    pub at: UtcTime,
    /// The user id of the process that asked.
    pub uid: u32,
    /// Whose that is.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub target: String,
    /// `done`, `unchanged`, or the code of the refusal.
    pub outcome: String,
    /// The chain up to and with this entry, in hex.
    pub hash: String,
}

/// What `GET /v1/audit/verify` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Nothing was found that should not be.
    pub ok: bool,
    /// How many entries are kept.
    pub entries: u64,
    /// The oldest one that is kept.
    pub first: AuditNo,
    /// The newest one; where there is none, one less than `first`.
    pub last: AuditNo,
    /// The chain over all of them, in hex.
    pub hash: String,
    /// Where this node's chain is broken.
    pub fault: Option<AuditFault>,
    /// What the other nodes say.
    pub nodes: Vec<AuditPeer>,
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFault {
    /// The first entry that is not as it was written.
    pub seq: AuditNo,
    /// What is wrong.
    pub what: String,
}

/// What another node says of its audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPeer {
    /// Which.
    pub id: NodeId,
    /// `same`, `differs`, or `unknown`: it does not answer, or is at a place that this node does not have.
    pub state: String,
}
