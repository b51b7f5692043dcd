//! Where a node is reached: a host and a port, as others are told it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// RFC 1035, section 2.3.4, less the length byte and the root.
const HOST_BYTES_MAX: usize = 253;

/// A host name or an IP address, and a port: `h1:7400`, `10.0.0.1:7400`, `[::1]:7400`. The port is never 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAddr {
    host: String,
    port: u16,
}

/// A text that is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeAddrError {
    /// There is no port, or it is none.
    #[error("an address ends in a port from 1 to 65535, like h1:7400")]
    Port,
    /// There is no host, or it is none.
    #[error("an address begins with a host name or an IP address (IPv6 in brackets), like h1:7400 or [::1]:7400")]
    Host,
    /// An address that means "here" to everyone, so that others could not reach this node by it.
    #[error("an address that others dial cannot be the unspecified one")]
    Unspecified,
}

impl NodeAddr {
    /// The host: a name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address as a socket's, if the host is an IP address.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.host
            .parse::<IpAddr>()
            .ok()
            .map(|ip| SocketAddr::new(ip, self.port))
    }

    /// Where a node that is reached under this address listens: right there if the host is an IP address, else on that
    /// port of all of its addresses.
    #[must_use]
    pub fn listen_addr(&self) -> SocketAddr {
        self.socket_addr()
            .unwrap_or_else(|| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), self.port))
    }
}

impl FromStr for NodeAddr {
    type Err = NodeAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(NodeAddrError::Port)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits
            .then(|| port.parse().ok())
            .flatten()
            .filter(|port| *port != 0)
            .ok_or(NodeAddrError::Port)?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().map_err(|_| NodeAddrError::Host)?.to_string(),
            None => host.to_owned(),
        };
        match host.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => return Err(NodeAddrError::Unspecified),
            Ok(IpAddr::V6(_)) if !text.starts_with('[') => return Err(NodeAddrError::Host),
            Ok(_) => {}
            Err(_) if is_host_name(&host) => {}
            Err(_) => return Err(NodeAddrError::Host),
        }
        Ok(Self { host, port })
    }
}

/// Labels of letters, digits, `-` and `_`, with dots between. What is made of digits alone was meant to be an IP address.
fn is_host_name(host: &str) -> bool {
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= HOST_BYTES_MAX
        && host.split('.').all(label_fits)
        && !host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

impl TryFrom<String> for NodeAddr {
    type Error = NodeAddrError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeAddr> for String {
    fn from(addr: NodeAddr) -> Self {
        addr.to_string()
    }
}

impl From<SocketAddr> for NodeAddr {
    fn from(addr: SocketAddr) -> Self {
        Self {
            host: addr.ip().to_string(),
            port: addr.port(),
        }
    }
}

impl fmt::Display for NodeAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for NodeAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeAddr({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same_and_nothing_panics(text in "[a-z0-9.:\\[\\]-]{0,20}:[0-9]{1,5}") {
            if let Ok(addr) = text.parse::<NodeAddr>() {
                prop_assert_eq!(addr.to_string().parse(), Ok(addr));
            }
        }
    }

    #[test]
    fn names_and_addresses_are_read() {
        for text in ["h1:7400", "10.0.0.1:7400", "[::1]:7400", "node-1.example.org:1"] {
            assert_eq!(text.parse::<NodeAddr>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_nobody_can_dial_is_refused_with_the_reason() {
        for text in ["h1", "h1:", "h1:0", "h1:65536", "h1:+80", "7400"] {
            assert_eq!(text.parse::<NodeAddr>(), Err(NodeAddrError::Port), "{text}");
        }
        for text in [
            ":7400",
            "::1:7400",
            "h 1:7400",
            "300.1.1.1:7400",
            "[h1]:7400",
            "h1,h2:7400",
            "-h:7400",
        ] {
            assert_eq!(text.parse::<NodeAddr>(), Err(NodeAddrError::Host), "{text}");
        }
        for text in ["0.0.0.0:7400", "[::]:7400"] {
            assert_eq!(text.parse::<NodeAddr>(), Err(NodeAddrError::Unspecified), "{text}");
        }
    }

    #[test]
    fn a_node_with_a_name_listens_on_all_addresses() {
        assert_eq!(
            "h1:7400".parse::<NodeAddr>().unwrap().listen_addr().to_string(),
            "[::]:7400"
        );
        assert_eq!(
            "127.0.0.1:7400".parse::<NodeAddr>().unwrap().listen_addr().to_string(),
            "127.0.0.1:7400"
        );
    }
}
