//! Who may use whom. What is not in a row is refused, and so is a crate or a module without a row.

/// A crate of the workspace.
pub(crate) struct CrateRow {
    pub(crate) dir: &'static str,
    /// The crates of the workspace that it may use.
    pub(crate) uses: &'static [&'static str],
}

pub(crate) const CRATES: &[CrateRow] = &[
    CrateRow { dir: "core", uses: &[] },
    CrateRow {
        dir: "protocol",
        uses: &["quorate_core"],
    },
    CrateRow {
        dir: "certs",
        uses: &["quorate_core"],
    },
    CrateRow {
        dir: "formation",
        uses: &["quorate_core", "quorate_certs"],
    },
    CrateRow {
        dir: "adminapi",
        uses: &["quorate_core"],
    },
    CrateRow {
        dir: "transport",
        uses: &["quorate_core", "quorate_certs", "quorate_protocol"],
    },
    CrateRow {
        dir: "client",
        uses: &["quorate_core", "quorate_protocol", "quorate_certs", "quorate_transport"],
    },
    CrateRow {
        dir: "client/chat",
        uses: &[
            "quorate_core",
            "quorate_protocol",
            "quorate_certs",
            "quorate_transport",
            "quorate_client",
        ],
    },
    CrateRow {
        dir: "ctl",
        // Of the daemon only `offline`, which does to files what the daemon would not do to its own.
        uses: &[
            "quorate_core",
            "quorate_certs",
            "quorate_formation",
            "quorate_adminapi",
            "quorate_daemon",
        ],
    },
    CrateRow {
        dir: "demo",
        uses: &[
            "quorate_core",
            "quorate_certs",
            "quorate_client",
            "quorate_formation",
            "quorate_adminapi",
        ],
    },
    CrateRow {
        dir: "daemon",
        uses: &[
            "quorate_core",
            "quorate_protocol",
            "quorate_certs",
            "quorate_transport",
            "quorate_formation",
            "quorate_adminapi",
            "quorate_search",
            "quorate_demo",
        ],
    },
    CrateRow {
        dir: "search",
        uses: &["quorate_core"],
    },
    // It puts a node's store and consensus together without the rest, as the daemon's own tests do.
    CrateRow {
        dir: "bench",
        uses: &[
            "quorate_core",
            "quorate_protocol",
            "quorate_certs",
            "quorate_transport",
            "quorate_formation",
            "quorate_daemon",
            "quorate_client",
            "quorate_demo",
        ],
    },
    // Programs are run, not linked.
    CrateRow {
        dir: "tests",
        uses: &[
            "quorate_core",
            "quorate_protocol",
            "quorate_certs",
            "quorate_transport",
            "quorate_client",
            "quorate_formation",
            "quorate_adminapi",
        ],
    },
];

/// A crate that uses no more than a part of another.
pub(crate) struct PartRow {
    pub(crate) dir: &'static str,
    pub(crate) of: &'static str,
    pub(crate) module: &'static str,
}

pub(crate) const PARTS: &[PartRow] = &[PartRow {
    dir: "ctl",
    of: "quorate_daemon",
    module: "offline",
}];

/// What a part of the daemon may use. A path allows what is below it; a part may always use itself.
pub(crate) struct ModuleRow {
    pub(crate) module: &'static str,
    /// Paths below `crate`.
    pub(crate) modules: &'static [&'static str],
    pub(crate) crates: &'static [&'static str],
}

pub(crate) const DAEMON: &str = "daemon";

/// The program `chatd` around the daemon's library.
pub(crate) const DAEMON_MAIN: ModuleRow = ModuleRow {
    module: "main",
    modules: &["config", "node"],
    crates: &["quorate_demo", "quorate_daemon"],
};

pub(crate) const DAEMON_MODULES: &[ModuleRow] = &[
    // Counting: a leaf, so that whoever has something to count may.
    ModuleRow {
        module: "meter",
        modules: &[],
        crates: &[],
    },
    // What happened, for operators: the node notes it, the admin API shows it.
    ModuleRow {
        module: "chronicle",
        modules: &[],
        crates: &["quorate_core", "quorate_adminapi"],
    },
    ModuleRow {
        module: "fanout",
        modules: &[],
        crates: &["quorate_core"],
    },
    // Names of openraft's for our types: a leaf, so that the store's adapters and consensus agree without a cycle.
    ModuleRow {
        module: "consensus::types",
        modules: &[],
        crates: &["quorate_core"],
    },
    ModuleRow {
        module: "store",
        modules: &["fanout", "meter", "consensus::types"],
        crates: &["quorate_core", "quorate_protocol", "quorate_certs"],
    },
    ModuleRow {
        module: "peer",
        // The rows in which a node remembers the incarnations of its peers, and its own.
        modules: &[
            "store::Identity",
            "store::Incarnation",
            "store::LogStore",
            "store::StoreError",
        ],
        crates: &["quorate_core", "quorate_protocol", "quorate_certs", "quorate_transport"],
    },
    ModuleRow {
        module: "consensus",
        modules: &["store", "peer"],
        crates: &["quorate_core", "quorate_protocol", "quorate_certs", "quorate_transport"],
    },
    ModuleRow {
        module: "relay",
        modules: &["consensus", "peer"],
        crates: &["quorate_core", "quorate_protocol", "quorate_transport"],
    },
    ModuleRow {
        module: "presence",
        modules: &["peer", "relay"],
        crates: &["quorate_core", "quorate_protocol", "quorate_transport"],
    },
    ModuleRow {
        module: "search",
        modules: &[
            // The store's reader, what it answers with, and what it tells.
            "store::Reader",
            "store::Removal",
            "store::Removals",
            "store::HistoryError",
            "store::WaitError",
            "store::StoreError",
        ],
        crates: &["quorate_core", "quorate_protocol", "quorate_search"],
    },
    ModuleRow {
        module: "janitor",
        modules: &["relay", "store::Reader"],
        crates: &["quorate_core", "quorate_protocol"],
    },
    // A machine that becomes a node: the node keeps what it is told.
    ModuleRow {
        module: "join",
        modules: &["consensus", "peer", "relay", "store::Reader"],
        crates: &["quorate_core", "quorate_protocol", "quorate_certs", "quorate_transport"],
    },
    ModuleRow {
        module: "steward",
        modules: &["consensus", "peer", "relay", "store::Reader"],
        crates: &["quorate_core", "quorate_protocol"],
    },
    ModuleRow {
        module: "session",
        modules: &[
            "relay",
            "fanout",
            "meter",
            "search",
            "presence",
            // The store's reader and what it answers with.
            "store::Reader",
            "store::Range",
            "store::StoredEvent",
            "store::HistoryError",
            "store::WaitError",
        ],
        crates: &["quorate_core", "quorate_protocol", "quorate_transport"],
    },
    ModuleRow {
        module: "offline",
        modules: &["store"],
        crates: &["quorate_core", "quorate_certs", "quorate_formation", "quorate_adminapi"],
    },
    // It declares what it asks for; the node answers.
    ModuleRow {
        module: "admin",
        modules: &["chronicle"],
        crates: &["quorate_core", "quorate_adminapi"],
    },
    ModuleRow {
        module: "config",
        modules: &[],
        crates: &["quorate_core", "quorate_certs", "quorate_formation", "quorate_adminapi"],
    },
    ModuleRow {
        module: "node",
        modules: &[
            "admin",
            "chronicle",
            "config",
            "consensus",
            "fanout",
            "janitor",
            "meter",
            "join",
            "peer",
            "presence",
            "relay",
            "search",
            "session",
            "steward",
            "store",
        ],
        crates: &[
            "quorate_core",
            "quorate_protocol",
            "quorate_certs",
            "quorate_transport",
            "quorate_formation",
            "quorate_adminapi",
        ],
    },
];

/// A library that is named in few places.
pub(crate) struct OwnedRow {
    /// As it is written in code.
    pub(crate) names: &'static [&'static str],
    /// Crates' folders, or `daemon:module`.
    pub(crate) owners: &'static [&'static str],
    pub(crate) rule: &'static str,
}

pub(crate) const OWNED: &[OwnedRow] = &[
    OwnedRow {
        names: &["quinn", "quinn_proto", "quinn_udp"],
        owners: &["transport"],
        rule: "only transport names quinn",
    },
    OwnedRow {
        names: &["redb"],
        owners: &["daemon:store", "daemon:tests::store"],
        rule: "only the daemon's store, and its tests, name redb",
    },
    OwnedRow {
        names: &["openraft", "openraft_rt", "openraft_rt_tokio", "openraft_macros"],
        owners: &[
            "daemon:consensus",
            "daemon:store::raft_log",
            "daemon:store::raft_machine",
            // openraft's own suite over the adapters, and ours.
            "daemon:store::suite",
            "daemon:tests::store",
            // These fill a store as Raft would.
            "daemon:store::rows::tests",
            "daemon:tests::search",
        ],
        rule: "only the daemon's consensus and the store's two adapters, and their tests, name openraft",
    },
];

/// All that the core's code may name beside `std`.
pub(crate) const CORE_DIR: &str = "core";
pub(crate) const CORE_LIBRARIES: &[&str] = &[
    "serde",
    "sha2",
    "siphasher",
    "thiserror",
    "unicode_normalization",
    "unicode_security",
];

/// Lines of a file, its `#[cfg(test)]` module not counted.
pub(crate) const FILE_LINES_MAX: usize = 600;
/// Names that say nothing of what is in a file.
pub(crate) const EMPTY_NAMES: &[&str] = &["utils", "common", "helpers", "manager"];
