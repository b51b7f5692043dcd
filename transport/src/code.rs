//! The numbers with which connections and streams are ended. They are part of the wire: never changed, never used again.

use std::fmt;

use quinn::VarInt;

/// The longest text that goes with a close code, in bytes. It never holds a secret.
pub const REASON_MAX_BYTES: usize = 128;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The code of this number.
            #[must_use]
            pub fn from_number(number: u64) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| u64::from(code.number()) == number)
            }

            pub(crate) fn to_wire(self) -> VarInt {
                VarInt::from_u32(self.number())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)*
                })
            }
        }
    };
}

codes! {
    /// Why a connection was closed.
    CloseCode {
        /// Nothing is wrong: done.
        Ok = 0x00, "done";
        /// The closing side has a fault of its own.
        Internal = 0x01, "internal error";
        /// The other side broke the protocol.
        Protocol = 0x02, "protocol error";
        /// A frame was over the limit.
        FrameTooLarge = 0x03, "frame too large";
        /// No common version.
        Version = 0x04, "unsupported version";
        /// Something was asked that needs a login first.
        AuthRequired = 0x10, "login required";
        /// This identity may not do this here.
        NotAuthorized = 0x11, "not authorised";
        /// The device was revoked.
        Revoked = 0x12, "device revoked";
        /// Another connection took this one's place.
        Replaced = 0x13, "replaced by another connection";
        /// The account that the device speaks for is disabled.
        Disabled = 0x14, "account disabled";
        /// The account, or the address, is banned.
        Banned = 0x15, "banned";
        /// The cluster takes in no device that is not logged in.
        Lockdown = 0x16, "locked down";
        /// The node is shutting down: go to another.
        Draining = 0x20, "node is shutting down";
        /// The node has too much to do: come later or go to another.
        Overloaded = 0x21, "node is overloaded";
        /// The other side does not read what it is sent.
        SlowConsumer = 0x22, "reading too slowly";
        /// No login for too long.
        IdleUnauth = 0x23, "no login in time";
        /// Not the cluster that the other side looks for.
        WrongCluster = 0x30, "another cluster";
    }
}

codes! {
    /// Why one direction of a stream was ended before its end.
    ResetCode {
        /// Nobody waits for it any more.
        Cancelled = 0x100, "cancelled";
        /// It is not served.
        Refused = 0x101, "refused";
        /// A frame was over the limit.
        TooLarge = 0x102, "frame too large";
        /// The reader is too far behind.
        Lagged = 0x103, "lagged behind";
        /// Nobody knows what its first frame means.
        UnknownType = 0x104, "unknown type";
    }
}

/// At most [`REASON_MAX_BYTES`] of it, cut between characters.
pub(crate) fn cut_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}

/// A reason from the other side as it may be shown: no control characters that a terminal would obey, and not longer than
/// one of ours.
pub(crate) fn shown_reason(reason: &[u8]) -> String {
    let readable: String = String::from_utf8_lossy(reason)
        .chars()
        .filter(|each| !each.is_control())
        .collect();
    cut_reason(&readable).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_these() {
        let close: Vec<_> = CloseCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(
            close,
            [
                0, 1, 2, 3, 4, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x20, 0x21, 0x22, 0x23, 0x30
            ]
        );
        let reset: Vec<_> = ResetCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(reset, [0x100, 0x101, 0x102, 0x103, 0x104]);
    }

    #[test]
    fn every_number_is_read_back_and_no_other() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_number(u64::from(code.number())), Some(*code));
        }
        assert_eq!(CloseCode::from_number(0x99), None);
        assert_eq!(ResetCode::from_number(0), None);
    }

    #[test]
    fn a_reason_is_cut_between_characters_and_cannot_command_a_terminal() {
        let long = "\u{e9}".repeat(REASON_MAX_BYTES);
        assert_eq!(cut_reason(&format!("x{long}")).len(), REASON_MAX_BYTES - 1);
        assert_eq!(shown_reason(b"\x1b[2Jgone\r\n"), "[2Jgone");
    }
}
