//! Token buckets at the edge: a burst of twice the rate, then the rate. They guard this node's
//! work; bounds that all nodes must agree on are the core's.
//!
//! Our own, since a login takes its token before the password is proven and gets it back when it was
//! right: only failures count, and many guesses at once are no way around that. The libraries for
//! this take tokens and never give one back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use quorate_core::{DeviceId, UserId, UserName};
use tokio::time::{sleep, timeout};

/// Failed logins a minute from one source address.
const FAILED_LOGINS_PER_SOURCE_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// Everything else that a user puts into the log, for each post that they may: joins, marks, edits and
/// the like come in bursts when a client opens, and a mark may follow each post that is read.
const WRITES_PER_POST: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
/// Lists, histories, searches and the like, for each post that a user may make: a client that opens
/// asks for a few of them for each of its rooms, and one that takes a long history along asks for
/// page after page.
const READS_PER_POST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// How long a read waits for its token before it is refused. Who asks for one thing after the other
/// is slowed down to the rate by this, and never refused.
const READ_TURN_MAX: Duration = Duration::from_secs(2);
/// How often a read that waits looks for a token.
const READ_LOOK: Duration = Duration::from_millis(20);
/// Keys that a table of buckets holds before the full ones, which say nothing, are let go.
const KEYS_MAX: usize = 16 * 1024;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The rates; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Posts a second, for each user; five times as many other writes, and ten times as many reads.
    pub posts_per_second: Option<NonZeroU32>,
    /// Registrations a minute, for each source address.
    pub registrations_per_minute: Option<NonZeroU32>,
    /// Failed logins a minute, for each account.
    pub failed_logins_per_minute: Option<NonZeroU32>,
}

/// All buckets of a node. Rates can be changed while it runs; buckets then begin full.
#[derive(Debug)]
pub struct Limits(ArcSwap<Tables>);

#[derive(Debug)]
struct Tables {
    posts: Buckets<UserId>,
    writes: Buckets<UserId>,
    reads: Buckets<UserId>,
    registrations: Buckets<IpAddr>,
    failed_by_guess: Buckets<Guess>,
    failed_by_source: Buckets<IpAddr>,
}

/// Whose password is tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Guess {
    /// An account's, by whoever says its name.
    Account(UserName),
    /// That of the account which the device speaks for: strangers who try the account's name are no
    /// reason to keep its owner from changing the password.
    Own(DeviceId),
}

/// A table of buckets that fill at one rate; without a rate, of bottomless ones.
#[derive(Debug)]
struct Buckets<K> {
    refill: Option<Refill>,
    by_key: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Refill {
    per_second: f64,
    burst: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(rate: Option<NonZeroU32>, period: Duration) -> Self {
        let refill = rate.map(|rate| Refill {
            per_second: f64::from(rate.get()) / period.as_secs_f64(),
            burst: 2.0 * f64::from(rate.get()),
        });
        Self {
            refill,
            by_key: Mutex::default(),
        }
    }

    fn take(&self, key: &K, now: Instant) -> bool {
        let Some(refill) = self.refill else { return true };
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if by_key.len() >= KEYS_MAX && !by_key.contains_key(key) {
            by_key.retain(|_, bucket| bucket.at(now, refill).tokens < refill.burst);
            // As many sources at once as there are keys: new ones wait for the others to come to rest.
            if by_key.len() >= KEYS_MAX {
                return false;
            }
        }
        let full = Bucket {
            tokens: refill.burst,
            at: now,
        };
        let bucket = by_key.entry(key.clone()).or_insert(full);
        *bucket = bucket.at(now, refill);
        let has_one = bucket.tokens >= 1.0;
        if has_one {
            bucket.tokens -= 1.0;
        }
        has_one
    }

    fn give_back(&self, key: &K) {
        let Some(refill) = self.refill else { return };
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = by_key.get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(refill.burst);
        }
    }
}

impl Bucket {
    /// What it holds by then.
    fn at(self, now: Instant, refill: Refill) -> Self {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        Self {
            tokens: (self.tokens + since * refill.per_second).min(refill.burst),
            at: now,
        }
    }
}

impl Limits {
    /// Buckets for these rates, all full.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self(ArcSwap::from_pointee(Tables::new(rates)))
    }

    /// New rates, from the configuration read again.
    pub fn change(&self, rates: Rates) {
        self.0.store(Tables::new(rates).into());
    }

    pub(super) fn may_post(&self, user: UserId) -> bool {
        self.0.load().posts.take(&user, Instant::now())
    }

    /// Whether a user may put something other than a post into the log.
    pub(super) fn may_write(&self, user: UserId) -> bool {
        self.0.load().writes.take(&user, Instant::now())
    }

    /// Whether a user may read something now that is more than what feeds bring.
    pub(super) fn may_read(&self, user: UserId) -> bool {
        self.0.load().reads.take(&user, Instant::now())
    }

    /// The same, and waits a moment for it.
    pub(super) async fn may_read_soon(&self, user: UserId) -> bool {
        let turn = async {
            while !self.may_read(user) {
                sleep(READ_LOOK).await;
            }
        };
        timeout(READ_TURN_MAX, turn).await.is_ok()
    }

    pub(super) fn may_register(&self, source: IpAddr) -> bool {
        self.0.load().registrations.take(&network(source), Instant::now())
    }

    /// Takes a token for a login that may fail; [`Limits::did_not_fail`] gives it back.
    pub(super) fn may_guess(&self, guess: &Guess, source: IpAddr) -> bool {
        let (tables, now, source) = (self.0.load(), Instant::now(), network(source));
        if !tables.failed_by_source.take(&source, now) {
            return false;
        }
        let may = tables.failed_by_guess.take(guess, now);
        if !may {
            tables.failed_by_source.give_back(&source);
        }
        may
    }

    /// The login did not fail: the password was right, or was not looked at.
    pub(super) fn did_not_fail(&self, guess: &Guess, source: IpAddr) {
        let tables = self.0.load();
        tables.failed_by_source.give_back(&network(source));
        tables.failed_by_guess.give_back(guess);
    }
}

impl Tables {
    fn new(rates: Rates) -> Self {
        let by_source = rates
            .failed_logins_per_minute
            .map(|_| FAILED_LOGINS_PER_SOURCE_PER_MINUTE);
        let per_post = |factor| rates.posts_per_second.map(|posts| posts.saturating_mul(factor));
        Self {
            posts: Buckets::new(rates.posts_per_second, SECOND),
            writes: Buckets::new(per_post(WRITES_PER_POST), SECOND),
            reads: Buckets::new(per_post(READS_PER_POST), SECOND),
            registrations: Buckets::new(rates.registrations_per_minute, MINUTE),
            failed_by_guess: Buckets::new(rates.failed_logins_per_minute, MINUTE),
            failed_by_source: Buckets::new(by_source, MINUTE),
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

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn rates(posts: u32, registrations: u32, failed_logins: u32) -> Rates {
        Rates {
            posts_per_second: NonZeroU32::new(posts),
            registrations_per_minute: NonZeroU32::new(registrations),
            failed_logins_per_minute: NonZeroU32::new(failed_logins),
        }
    }

    #[test]
    fn a_burst_of_twice_the_rate_goes_and_then_the_rate() {
        let buckets = Buckets::new(NonZeroU32::new(3), SECOND);
        let now = Instant::now();
        let goes = |at| (0..100).filter(|_| buckets.take(&UserId(1), at)).count();
        assert_eq!(goes(now), 6);
        assert_eq!(goes(now + SECOND), 3);
        assert!(buckets.take(&UserId(2), now), "another user's bucket is their own");
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let limits = Limits::new(rates(0, 0, 0));
        let name = Guess::Account(UserName::parse("al").unwrap());
        assert!((0..1000).all(|_| limits.may_guess(&name, HERE)));
    }

    #[test]
    fn only_failed_logins_count() {
        let limits = Limits::new(rates(0, 0, 1));
        let name = Guess::Account(UserName::parse("al").unwrap());
        for _ in 0..100 {
            assert!(limits.may_guess(&name, HERE));
            limits.did_not_fail(&name, HERE);
        }
        assert_eq!((0..100).filter(|_| limits.may_guess(&name, HERE)).count(), 2);
    }

    #[test]
    fn writes_have_a_bucket_of_their_own_five_times_as_large() {
        let limits = Limits::new(rates(3, 0, 0));
        let (ada, bob) = (UserId(1), UserId(2));
        assert_eq!((0..100).filter(|_| limits.may_write(ada)).count(), 2 * 15);
        assert!(limits.may_post(ada), "posts are counted apart");
        assert!(limits.may_write(bob));
    }

    #[test]
    fn reads_have_a_bucket_of_their_own_ten_times_as_large() {
        let limits = Limits::new(rates(3, 0, 0));
        let ada = UserId(1);
        assert_eq!((0..100).filter(|_| limits.may_read(ada)).count(), 2 * 30);
        assert!(limits.may_post(ada) && limits.may_write(ada), "they are counted apart");
        assert!(limits.may_read(UserId(2)));
    }

    #[tokio::test]
    async fn one_read_after_the_other_is_slowed_down_and_never_refused() {
        let limits = Limits::new(rates(1, 0, 0));
        while limits.may_read(UserId(1)) {}
        for _ in 0..3 {
            assert!(limits.may_read_soon(UserId(1)).await);
        }
    }

    #[tokio::test]
    async fn of_many_reads_at_once_those_are_refused_whose_turn_does_not_come() {
        let limits = Limits::new(rates(1, 0, 0));
        let reads = (0..1000).map(|_| limits.may_read_soon(UserId(1)));
        let may = futures_util::future::join_all(reads).await;
        let count = may.iter().filter(|may| **may).count();
        assert!((20..1000).contains(&count), "{count}");
    }

    #[test]
    fn one_ipv6_customer_has_one_bucket() {
        let limits = Limits::new(rates(0, 1, 0));
        let from = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        assert!(limits.may_register(from(1)) && limits.may_register(from(2)));
        assert!(!limits.may_register(from(3)));
    }

    #[test]
    fn buckets_that_are_full_again_make_room_for_others() {
        let buckets = Buckets::new(NonZeroU32::new(1), SECOND);
        let now = Instant::now();
        assert!((0..KEYS_MAX as u64).all(|user| buckets.take(&UserId(user), now)));
        assert!(!buckets.take(&UserId(u64::MAX), now));
        assert!(buckets.take(&UserId(u64::MAX), now + 2 * SECOND));
    }
}
