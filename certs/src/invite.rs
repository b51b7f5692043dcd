//! Invite links: `chat://h1:7400,h2:7400/?ca=<fingerprint>&i=<secret>`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::fingerprint::{CaFingerprint, FingerprintError};

/// The most addrs in a link.
pub const INVITE_ADDRS_MAX: usize = 64;
/// The longest link, in bytes.
pub const INVITE_LINK_MAX_BYTES: usize = 2 * 1024;
/// The longest invite secret, in bytes.
pub const INVITE_SECRET_MAX_BYTES: usize = 128;
/// The longest host name, in bytes (RFC 1035, section 2.3.4).
const HOST_MAX_BYTES: usize = 253;
const SCHEME: &str = "chat://";

/// Where a cluster is, how to know it, and perhaps the right to register there. Valid from the moment it exists.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    addrs: Vec<String>,
    ca: Option<CaFingerprint>,
    invite: Option<String>,
}

/// What is wrong with a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// It is something else.
    #[error("an invite link begins with {SCHEME}")]
    Scheme,
    /// Longer than any link.
    #[error("the link is longer than {INVITE_LINK_MAX_BYTES} bytes")]
    TooLong,
    /// No addr in it.
    #[error("the link names no server")]
    NoAddrs,
    /// More addrs than are ever tried.
    #[error("the link names more than {INVITE_ADDRS_MAX} servers")]
    TooManyAddrs,
    /// Not `host:port` with a port from 1 to 65535; IPv6 needs brackets.
    #[error("{0:?} is not host:port")]
    Addr(String),
    /// There is something between the addrs and the `?`.
    #[error("unexpected {0:?} after the servers")]
    Path(String),
    /// A part of the query is no `name=value`, or comes twice.
    #[error("{0:?} is malformed or repeated")]
    Query(String),
    /// The `ca` is no fingerprint.
    #[error("the link's CA fingerprint is not one")]
    Ca(#[from] FingerprintError),
    /// The `i` is empty, too long, or has characters that no invite has.
    #[error("the link's invite code is not one")]
    Invite,
}

impl InviteLink {
    /// A link out of its parts.
    ///
    /// # Errors
    /// A part is not valid, or the whole is over a limit.
    pub fn new(addrs: Vec<String>, ca: Option<CaFingerprint>, invite: Option<String>) -> Result<Self, InviteError> {
        if addrs.is_empty() {
            return Err(InviteError::NoAddrs);
        }
        if addrs.len() > INVITE_ADDRS_MAX {
            return Err(InviteError::TooManyAddrs);
        }
        if let Some(bad) = addrs.iter().find(|addr| !is_addr(addr)) {
            return Err(InviteError::Addr(bad.clone()));
        }
        if invite.as_deref().is_some_and(|invite| !is_secret(invite)) {
            return Err(InviteError::Invite);
        }
        let link = Self { addrs, ca, invite };
        if link.to_string().len() > INVITE_LINK_MAX_BYTES {
            return Err(InviteError::TooLong);
        }
        Ok(link)
    }

    /// The servers, each `host:port`, in the order of the link.
    #[must_use]
    pub fn addrs(&self) -> &[String] {
        &self.addrs
    }

    /// The CA to pin; without one the first that is met is trusted.
    #[must_use]
    pub fn ca(&self) -> Option<CaFingerprint> {
        self.ca
    }

    /// The secret that allows one registration.
    #[must_use]
    pub fn invite(&self) -> Option<&str> {
        self.invite.as_deref()
    }
}

fn is_addr(addr: &str) -> bool {
    let Some((host, port)) = addr.rsplit_once(':') else {
        return false;
    };
    let port_fits = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let host_fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => {
            (1..=HOST_MAX_BYTES).contains(&host.len())
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    };
    port_fits && host_fits
}

/// Only characters that no link, shell or chat program changes (RFC 3986, section 2.3).
fn is_secret(secret: &str) -> bool {
    (1..=INVITE_SECRET_MAX_BYTES).contains(&secret.len())
        && secret
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

impl FromStr for InviteLink {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > INVITE_LINK_MAX_BYTES {
            return Err(InviteError::TooLong);
        }
        let rest = text.trim().strip_prefix(SCHEME).ok_or(InviteError::Scheme)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (addrs, path) = place.split_once('/').unwrap_or((place, ""));
        if !path.is_empty() {
            return Err(InviteError::Path(path.to_owned()));
        }
        let (mut ca, mut invite) = (None, None);
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let malformed = || InviteError::Query(part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(malformed)?;
            let repeated = match name {
                "ca" => ca.replace(value.parse()?).is_some(),
                "i" => invite.replace(value.to_owned()).is_some(),
                // A later version may say more in a link; what this one needs is above.
                _ => false,
            };
            if repeated {
                return Err(malformed());
            }
        }
        let addrs = addrs
            .split(',')
            .filter(|addr| !addr.is_empty())
            .map(str::to_owned)
            .collect();
        Self::new(addrs, ca, invite)
    }
}

impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/", self.addrs.join(","))?;
        let mut separator = '?';
        if let Some(ca) = self.ca {
            write!(f, "{separator}ca={ca}")?;
            separator = '&';
        }
        if let Some(invite) = &self.invite {
            write!(f, "{separator}i={invite}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let invite = self.invite.as_ref().map(|_| "..");
        f.debug_struct("InviteLink")
            .field("addrs", &self.addrs)
            .field("ca", &self.ca)
            .field("invite", &invite)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop};
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn addr() -> impl Strategy<Value = String> {
        let host = proptest::prop_oneof![
            "[a-z0-9][a-z0-9.-]{0,20}",
            any::<Ipv6Addr>().prop_map(|ip| format!("[{ip}]"))
        ];
        (host, 1_u16..).prop_map(|(host, port)| format!("{host}:{port}"))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            addrs in prop::collection::vec(addr(), 1..20),
            ca in prop::option::of(any::<[u8; 32]>().prop_map(CaFingerprint)),
            invite in prop::option::of("[A-Za-z0-9._~-]{1,128}"),
        ) {
            let link = InviteLink::new(addrs, ca, invite).unwrap();
            prop_assert_eq!(link.to_string().parse(), Ok(link));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(chat://)?\\PC{0,80}") {
            let _ = text.parse::<InviteLink>();
        }
    }

    fn refused(text: &str) -> InviteError {
        text.parse::<InviteLink>().unwrap_err()
    }

    #[test]
    fn a_link_without_path_or_query_is_enough() {
        let link: InviteLink = "chat://h1:7400,[::1]:7401".parse().unwrap();
        assert_eq!(link.addrs(), ["h1:7400", "[::1]:7401"]);
        assert_eq!((link.ca(), link.invite()), (None, None));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(refused("http://h1:7400"), InviteError::Scheme);
        assert_eq!(refused("chat:///?i=x"), InviteError::NoAddrs);
        for addr in [
            "h1", "h1:", ":1", "h1:0", "h1:65536", "h1:+1", "::1:7400", "[::g]:1", "h 1:1", "[::1]",
        ] {
            assert_eq!(refused(&format!("chat://{addr}/")), InviteError::Addr(addr.to_owned()));
        }
        assert_eq!(refused("chat://h:1/x"), InviteError::Path("x".to_owned()));
        assert_eq!(refused("chat://h:1/?ca"), InviteError::Query("ca".to_owned()));
        assert_eq!(refused("chat://h:1/?i=a&i=b"), InviteError::Query("i=b".to_owned()));
        assert_eq!(
            refused("chat://h:1/?ca=00"),
            InviteError::Ca(FingerprintError::Length(2))
        );
        assert_eq!(refused("chat://h:1/?i="), InviteError::Invite);
        assert_eq!(refused("chat://h:1/?i=a%20b"), InviteError::Invite);
    }

    #[test]
    fn nothing_is_over_its_limit() {
        let many = vec!["h:1"; INVITE_ADDRS_MAX + 1].join(",");
        assert_eq!(refused(&format!("chat://{many}/")), InviteError::TooManyAddrs);
        assert_eq!(
            refused(&format!("chat://h:1/?i={}", "x".repeat(INVITE_SECRET_MAX_BYTES + 1))),
            InviteError::Invite
        );
        assert_eq!(
            refused(&format!("chat://h:1/?x={}", "x".repeat(INVITE_LINK_MAX_BYTES))),
            InviteError::TooLong
        );
        let long = vec![format!("{}:1", "h".repeat(200)); 11];
        assert_eq!(InviteLink::new(long, None, None), Err(InviteError::TooLong));
    }

    #[test]
    fn the_secret_is_not_in_debug_output() {
        let link: InviteLink = "chat://h:1/?i=secret".parse().unwrap();
        assert!(!format!("{link:?}").contains("secret"));
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        assert!("chat://h:1/?i=a&later=1".parse::<InviteLink>().is_ok());
    }
}
