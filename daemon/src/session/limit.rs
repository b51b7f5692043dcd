//! Token buckets at the edge: a burst of twice the rate, then the rate. They guard this node's
//! work; bounds that all nodes must agree on are the core's.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use arc_swap::ArcSwap;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use quorate_core::{UserId, UserName};

/// Failed logins a minute from one source address.
const FAILED_LOGINS_PER_SOURCE_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// Keys that a bucket table holds before those at rest are let go.
const KEYS_MAX: usize = 16 * 1024;

/// The rates; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Posts a second, for each user.
    pub posts_per_second: Option<NonZeroU32>,
    /// Registrations a minute, for each source address.
    pub registrations_per_minute: Option<NonZeroU32>,
    /// Failed logins a minute, for each account.
    pub failed_logins_per_minute: Option<NonZeroU32>,
}

/// All buckets of a node. Rates can be changed while it runs; buckets then begin full.
#[derive(Debug)]
pub struct Limits(ArcSwap<Buckets>);

#[derive(Debug)]
struct Buckets {
    posts: Keyed<UserId>,
    registrations: Keyed<IpAddr>,
    failed_by_account: Keyed<UserName>,
    failed_by_source: Keyed<IpAddr>,
}

#[derive(Debug)]
struct Keyed<K: Hash + Eq + Clone>(Option<DefaultKeyedRateLimiter<K>>);

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(rate: Option<NonZeroU32>, quota: fn(NonZeroU32) -> Quota) -> Self {
        Self(rate.map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
            RateLimiter::keyed(quota(rate).allow_burst(burst))
        }))
    }

    fn take(&self, key: &K) -> bool {
        let Some(buckets) = &self.0 else { return true };
        if buckets.len() > KEYS_MAX {
            buckets.retain_recent();
        }
        buckets.check_key(key).is_ok()
    }
}

impl Limits {
    /// Buckets for these rates, all full.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self(ArcSwap::from_pointee(Buckets::new(rates)))
    }

    /// New rates, from the configuration read again.
    pub fn change(&self, rates: Rates) {
        self.0.store(Buckets::new(rates).into());
    }

    pub(super) fn may_post(&self, user: UserId) -> bool {
        self.0.load().posts.take(&user)
    }

    pub(super) fn may_register(&self, source: IpAddr) -> bool {
        self.0.load().registrations.take(&network(source))
    }

    /// Takes a token for a login that may fail. One that succeeds costs a token too, which a person
    /// never notices, and an attacker cannot learn from the difference.
    pub(super) fn may_log_in(&self, account: &UserName, source: IpAddr) -> bool {
        let buckets = self.0.load();
        buckets.failed_by_source.take(&network(source)) && buckets.failed_by_account.take(account)
    }
}

impl Buckets {
    fn new(rates: Rates) -> Self {
        let failed_by_source = rates
            .failed_logins_per_minute
            .map(|_| FAILED_LOGINS_PER_SOURCE_PER_MINUTE);
        Self {
            posts: Keyed::new(rates.posts_per_second, Quota::per_second),
            registrations: Keyed::new(rates.registrations_per_minute, Quota::per_minute),
            failed_by_account: Keyed::new(rates.failed_logins_per_minute, Quota::per_minute),
            failed_by_source: Keyed::new(failed_by_source, Quota::per_minute),
        }
    }
}

/// What counts as one source: an IPv4 address, or the /64 that one IPv6 customer is given.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        posts_per_second: NonZeroU32::new(3),
        registrations_per_minute: NonZeroU32::new(1),
        failed_logins_per_minute: None,
    };

    #[test]
    fn a_burst_of_twice_the_rate_goes_and_one_more_does_not() {
        let limits = Limits::new(RATES);
        assert_eq!((0..7).filter(|_| limits.may_post(UserId(1))).count(), 6);
        assert!(limits.may_post(UserId(2)), "another user's bucket is their own");
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let limits = Limits::new(RATES);
        let name = UserName::parse("al").unwrap();
        assert!((0..1000).all(|_| limits.may_log_in(&name, IpAddr::from([127, 0, 0, 1]))));
    }

    #[test]
    fn one_ipv6_customer_has_one_bucket() {
        let limits = Limits::new(RATES);
        let from = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        assert!(limits.may_register(from(1)) && limits.may_register(from(2)));
        assert!(!limits.may_register(from(3)));
    }
}
