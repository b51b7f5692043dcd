//! Ranges of addresses, as they are banned.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A range of addresses of one family: those that begin with the same bits. An IPv4 address that is written as an IPv6
/// one (`::ffff:192.0.2.1`, RFC 4291, section 2.5.5.2) is the IPv4 address: sockets that take both show it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// The bits that are not part of it are 0.
    first: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// What stands before the `/` is no address.
    #[error("an address is wanted, or a range like 192.0.2.0/24 or 2001:db8::/32")]
    Address,
    /// What stands behind the `/` is no number of bits that such an address has.
    #[error("behind the / stands how many bits are the same, at most {max}")]
    Bits {
        /// How many an address has.
        max: u8,
    },
}

impl Network {
    /// The range that an address and the number of its first bits name.
    fn new(addr: IpAddr, bits: u8) -> Self {
        let first = match addr {
            IpAddr::V4(addr) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or_default();
                Ipv4Addr::from_bits(addr.to_bits() & mask).into()
            }
            IpAddr::V6(addr) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or_default();
                Ipv6Addr::from_bits(addr.to_bits() & mask).into()
            }
        };
        Self { first, bits }
    }

    /// All ranges that an address is in, the widest first: at most 129.
    pub fn around(addr: IpAddr) -> impl Iterator<Item = Self> {
        let addr = addr.to_canonical();
        (0..=bits_of(addr)).map(move |bits| Self::new(addr, bits))
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        addr.is_ipv4() == self.first.is_ipv4() && Self::new(addr, self.bits) == *self
    }

    /// How many of the first bits are the same in all of its addresses.
    #[must_use]
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether its addresses are of IPv4.
    #[must_use]
    pub const fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }
}

const fn bits_of(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// `192.0.2.0/24`, or one address. Bits behind the range's own are dropped.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (addr, bits) = text
            .split_once('/')
            .map_or((text, None), |(addr, bits)| (addr, Some(bits)));
        let addr: IpAddr = addr.parse().map_err(|_| NetworkError::Address)?;
        let max = bits_of(addr);
        let parse = |bits: &str| bits.parse().ok().filter(|bits| *bits <= max);
        let bits = bits.map_or(Some(max), parse).ok_or(NetworkError::Bits { max })?;
        // A range within those that stand for IPv4 is one of IPv4.
        match (addr, addr.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(mapped)) if bits >= 96 => Ok(Self::new(mapped.into(), bits - 96)),
            (addr, _) => Ok(Self::new(addr, bits)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == bits_of(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_the_addresses_that_begin_as_it_does() {
        for (range, within, without) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::1", "::1", "::2"),
        ] {
            let addr = |text: &str| text.parse::<IpAddr>().unwrap();
            assert!(network(range).contains(addr(within)), "{range} {within}");
            assert!(!network(range).contains(addr(without)), "{range} {without}");
            assert!(
                Network::around(addr(within)).any(|each| each == network(range)),
                "{range}"
            );
            assert!(
                !Network::around(addr(without)).any(|each| each == network(range)),
                "{range}"
            );
        }
    }

    #[test]
    fn an_ipv4_address_is_the_same_however_it_is_written() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert!(network("192.0.2.0/24").contains(mapped));
        assert!(Network::around(mapped).any(|each| each == network("192.0.2.0/24")));
        assert_eq!(network("::ffff:192.0.2.7/120"), network("192.0.2.0/24"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert!(!network("::/0").contains(mapped));
    }

    #[test]
    fn a_range_is_written_without_the_bits_behind_it_and_reads_back() {
        for (text, written) in [
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("2001:DB8::1/32", "2001:db8::/32"),
            ("::1/128", "::1"),
        ] {
            assert_eq!(network(text).to_string(), written);
            assert_eq!(network(written), network(text));
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "alice",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "192.0.2/24",
            "/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text:?}");
        }
    }
}
