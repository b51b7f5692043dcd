//! The numbers of the system, each in a type of its own so that none can stand for another.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this. Saturates: no counter here can reach the end of 64 bits.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number!(
    /// A cluster participant. Given once, by the log, and never used again.
    NodeId
);
number!(
    /// A position in the Raft log, from 0 (the first membership) on.
    LogIndex
);
number!(
    /// An account. It is the log index of the entry that registered it.
    UserId
);
number!(
    /// A room. It is the log index of the entry that created it.
    RoomId
);
number!(
    /// A position in a room, from 1, without gaps.
    Seq
);
number!(
    /// A room event in the order of the whole log: the key under which its row is stored.
    EventNo
);
number!(
    /// One outbox that writes. It is the log index of the entry that granted it.
    WriterId
);
number!(
    /// A writer's count of its own requests, from 1, without gaps.
    RequestNo
);
number!(
    /// Milliseconds since 1970-01-01T00:00:00Z, as the proposer's clock said.
    Timestamp
);

number!(
    /// An invite. It is the log index of the entry that made it.
    InviteId
);
number!(
    /// A ban from the cluster. It is the log index of the entry that made it.
    BanId
);
number!(
    /// A place in the audit log, from 1, without gaps.
    AuditNo
);
number!(
    /// A token that lets nodes in. It is the log index of the entry that made it.
    TokenId
);
number!(
    /// Milliseconds of log time.
    Span
);
number!(
    /// What a name looks like: names that people take for one another have the same one
    /// ([`crate::UserName::likeness`]).
    Likeness
);

impl UserId {
    /// The author of what operators do in rooms. The log's entry 0 is the first membership, so no account has this
    /// id; its name is [`crate::UserName::operator`].
    pub const OPERATOR: Self = Self(0);
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        // By hand, since serde takes an array of bytes for 32 numbers: this is half the size, and a
        // device stands in every entry.
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_bytes(ThirtyTwoBytes).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

struct ThirtyTwoBytes;

impl serde::de::Visitor<'_> for ThirtyTwoBytes {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("32 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<[u8; 32], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

digest!(
    /// One installation of a client: the SHA-256 of its public key (SubjectPublicKeyInfo, DER).
    DeviceId
);
digest!(
    /// An invite's secret, as the cluster knows it: its SHA-256.
    InviteKey
);
digest!(
    /// The chain over the audit log up to an entry ([`crate::AuditEntry::hash`]).
    AuditHash
);

impl AuditHash {
    /// What the first entry comes after.
    pub const START: Self = Self([0; 32]);
}

digest!(
    /// A join token's secret, as the cluster knows it: its SHA-256.
    TokenKey
);
