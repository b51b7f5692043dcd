//! One round through the chores.

use std::time::Duration;

use quorate_core::{Done, RoomId, Sweep};
use quorate_protocol::relay::End;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Between two sweeps it is paused for as long as the last one took, and at least so long: at most half of the log's time
/// goes into sweeps.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// So many sweeps of one chore in a round: then the others have their turn.
pub(super) const SWEEPS_MAX: usize = 32;

/// Where there are chores.
pub(super) trait House {
    /// What there is to do, as far as one look finds it that begins after this room; and after which room to look next,
    /// until all were looked at.
    fn chores(&self, after: Option<RoomId>) -> (Vec<Sweep>, Option<RoomId>);
    /// Does some of it.
    fn sweep(&self, sweep: Sweep) -> impl Future<Output = End> + Send;
}

/// Looks at all rooms, some at a time, and does each chore that it finds until it is done, or for long enough. Ends early
/// where the log does not take sweeps. Whether something was swept.
pub(super) async fn round(house: &impl House, leads: &watch::Receiver<bool>) -> bool {
    let mut was_busy = false;
    let mut after = None;
    loop {
        let (chores, next) = house.chores(after);
        if !work(house, leads, chores, &mut was_busy).await || next.is_none() {
            return was_busy;
        }
        after = next;
        // Between two looks whatever waits for the state has its turn.
        sleep(PAUSE_MIN).await;
    }
}

/// Does what one look found; whether the log takes sweeps.
async fn work(house: &impl House, leads: &watch::Receiver<bool>, chores: Vec<Sweep>, was_busy: &mut bool) -> bool {
    if !*leads.borrow() {
        return false;
    }
    for chore in chores {
        for _ in 0..SWEEPS_MAX {
            if !*leads.borrow() {
                return false;
            }
            let began = Instant::now();
            let more = match house.sweep(chore).await {
                End::Applied {
                    outcome: Ok(Done::Swept { more }),
                    ..
                } => more,
                End::Applied { outcome, .. } => {
                    tracing::warn!(?chore, ?outcome, "a sweep came to something else");
                    break;
                }
                end @ (End::NotProposed { .. } | End::Unknown) => {
                    tracing::debug!(?chore, ?end, "a sweep was not done");
                    return false;
                }
            };
            *was_busy = true;
            sleep(began.elapsed().max(PAUSE_MIN)).await;
            if !more {
                break;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use quorate_core::{LogIndex, Outcome, Refusal, RoomId, UserId};

    use super::*;

    /// Answers each sweep with the next of its ends, and with nothing left when they are used up.
    struct Fake {
        chores: Vec<Sweep>,
        ends: Mutex<Vec<End>>,
        swept: Mutex<Vec<Sweep>>,
        /// Behind this room another look finds one more chore.
        next: Option<RoomId>,
        looks: Mutex<Vec<Option<RoomId>>>,
    }

    impl Fake {
        fn new(chores: &[Sweep], ends: Vec<End>) -> Self {
            Self {
                chores: chores.to_vec(),
                ends: Mutex::new(ends.into_iter().rev().collect()),
                swept: Mutex::default(),
                next: None,
                looks: Mutex::default(),
            }
        }

        fn swept(&self) -> Vec<Sweep> {
            self.swept.lock().unwrap().clone()
        }
    }

    impl House for Fake {
        fn chores(&self, after: Option<RoomId>) -> (Vec<Sweep>, Option<RoomId>) {
            self.looks.lock().unwrap().push(after);
            match after {
                None => (self.chores.clone(), self.next),
                Some(_) => (vec![LATER], None),
            }
        }

        async fn sweep(&self, sweep: Sweep) -> End {
            self.swept.lock().unwrap().push(sweep);
            let end = self.ends.lock().unwrap().pop();
            end.unwrap_or_else(|| swept(false))
        }
    }

    const ROOM: Sweep = Sweep::Room(RoomId(1));
    const USER: Sweep = Sweep::User(UserId(2));
    const LATER: Sweep = Sweep::Room(RoomId(9));

    fn applied(outcome: Outcome) -> End {
        End::Applied {
            index: LogIndex(1),
            outcome,
        }
    }

    fn swept(more: bool) -> End {
        applied(Ok(Done::Swept { more }))
    }

    fn leading() -> (watch::Sender<bool>, watch::Receiver<bool>) {
        watch::channel(true)
    }

    #[tokio::test(start_paused = true)]
    async fn a_chore_is_swept_until_nothing_is_left_before_the_next() {
        let fake = Fake::new(&[ROOM, USER], vec![swept(true), swept(true), swept(false)]);
        assert!(round(&fake, &leading().1).await);
        assert_eq!(fake.swept(), [ROOM, ROOM, ROOM, USER]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_looks_until_all_rooms_were_looked_at() {
        let mut fake = Fake::new(&[ROOM], Vec::new());
        fake.next = Some(RoomId(8));
        assert!(round(&fake, &leading().1).await);
        assert_eq!(fake.swept(), [ROOM, LATER]);
        assert_eq!(*fake.looks.lock().unwrap(), [None, Some(RoomId(8))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_that_the_log_ends_looks_no_further() {
        let mut fake = Fake::new(&[ROOM], vec![End::Unknown]);
        fake.next = Some(RoomId(8));
        assert!(!round(&fake, &leading().1).await);
        assert_eq!(*fake.looks.lock().unwrap(), [None]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_chore_lets_the_others_have_their_turn() {
        let fake = Fake::new(&[ROOM, USER], vec![swept(true); SWEEPS_MAX]);
        assert!(round(&fake, &leading().1).await);
        assert_eq!(fake.swept().len(), SWEEPS_MAX + 1);
        assert_eq!(fake.swept().last(), Some(&USER));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_leader_the_round_ends() {
        let end = End::NotProposed { leader: None };
        let fake = Fake::new(&[ROOM, USER], vec![end]);
        assert!(!round(&fake, &leading().1).await);
        assert_eq!(fake.swept(), [ROOM]);
        let fake = Fake::new(&[ROOM, USER], vec![swept(true), End::Unknown]);
        assert!(round(&fake, &leading().1).await);
        assert_eq!(fake.swept(), [ROOM, ROOM]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_chore_is_passed_over() {
        let fake = Fake::new(&[ROOM, USER], vec![applied(Err(Refusal::UnknownRoom))]);
        assert!(round(&fake, &leading().1).await);
        assert_eq!(fake.swept(), [ROOM, USER]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_leads_no_more_sweeps_no_more() {
        let (sender, leads) = leading();
        sender.send_replace(false);
        let fake = Fake::new(&[ROOM], Vec::new());
        assert!(!round(&fake, &leads).await);
        assert_eq!(fake.swept(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn between_two_sweeps_there_is_room_for_posts() {
        let fake = Fake::new(&[ROOM], vec![swept(true); 9]);
        let began = Instant::now();
        round(&fake, &leading().1).await;
        assert_eq!(began.elapsed(), 10 * PAUSE_MIN);
    }
}
