//! openraft's own suite over the log and the state machine.
//!
//! The suite makes node ids from plain numbers, which ours refuse on purpose, so it runs on a type
//! config of its own, with a bridge that translates every value on its way in and out.

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;

use futures_util::{Stream, StreamExt};
use openraft::alias::SnapshotMetaOf;
use openraft::alias::SnapshotOf;
use openraft::entry::RaftEntry;
use openraft::storage::{EntryResponder, IOFlushed, LogState, RaftLogStorage, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::TypeConfigExt;
use openraft::vote::leader_id_adv::LeaderId;
use openraft::{
    Entry, EntryPayload, LogId, Membership, OptionalSend, RaftLogReader, RaftSnapshotBuilder, StorageError,
    StoredMembership, Vote,
};
use quorate_core::NodeId;
use tempfile::TempDir;

use super::raft_log::PurgeFloor;
use super::{Databases, LogStore, SnapshotBuilder, SnapshotData, StateMachine, Store};
use crate::consensus::types::{Answer, NodeAddrs, Proposal, TypeConfig};

/// A node id that a number makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SuiteNode(u64);

impl std::fmt::Display for SuiteNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for SuiteNode {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

openraft::declare_raft_types!(
    /// As [`TypeConfig`], but for the node id.
    pub(super) SuiteConfig:
        D = Proposal,
        R = Answer,
        NodeId = SuiteNode,
        Node = NodeAddrs,
);

trait Number: openraft::NodeId + Copy {
    fn number(self) -> u64;
    fn of(number: u64) -> Self;
}

impl Number for NodeId {
    fn number(self) -> u64 {
        self.0
    }

    fn of(number: u64) -> Self {
        Self(number)
    }
}

impl Number for SuiteNode {
    fn number(self) -> u64 {
        self.0
    }

    fn of(number: u64) -> Self {
        Self(number)
    }
}

type Leader<N> = LeaderId<u64, N>;
type Line<N> = Entry<Leader<N>, EntryPayload<Proposal, N, NodeAddrs>>;
type Stored<N> = StoredMembership<Leader<N>, N, NodeAddrs>;

fn node<A: Number, B: Number>(id: A) -> B {
    B::of(id.number())
}

fn leader<A: Number, B: Number>(leader: Leader<A>) -> Leader<B> {
    LeaderId {
        term: leader.term,
        node_id: node(leader.node_id),
    }
}

fn log_id<A: Number, B: Number>(id: LogId<Leader<A>>) -> LogId<Leader<B>> {
    LogId::new(leader(*id.committed_leader_id()), id.index())
}

fn vote<A: Number, B: Number>(vote: Vote<Leader<A>>) -> Vote<Leader<B>> {
    Vote {
        leader_id: leader(vote.leader_id),
        committed: vote.committed,
    }
}

fn membership<A: Number, B: Number>(from: &Membership<A, NodeAddrs>) -> Membership<B, NodeAddrs> {
    let configs = from.get_joint_config().iter();
    let configs = configs.map(|config| config.iter().copied().map(node).collect());
    let nodes: std::collections::BTreeMap<_, _> = from.nodes().map(|(id, addrs)| (node(*id), addrs.clone())).collect();
    Membership::new(configs.collect(), nodes).unwrap()
}

fn stored<A: Number, B: Number>(from: &Stored<A>) -> Stored<B> {
    StoredMembership::new(from.log_id().map(log_id), membership(from.membership()))
}

fn line<A: Number, B: Number>(from: Line<A>) -> Line<B> {
    Entry {
        log_id: log_id(from.log_id),
        payload: match from.payload {
            EntryPayload::Blank => EntryPayload::Blank,
            EntryPayload::Normal(proposal) => EntryPayload::Normal(proposal),
            EntryPayload::Membership(members) => EntryPayload::Membership(membership(&members)),
        },
    }
}

fn lines(from: Vec<Line<NodeId>>) -> Vec<Line<SuiteNode>> {
    from.into_iter().map(line).collect()
}

fn snapshot(from: SnapshotOf<TypeConfig, SnapshotData>) -> SnapshotOf<SuiteConfig, SnapshotData> {
    let meta = SnapshotMetaOf::<SuiteConfig> {
        last_log_id: from.meta.last_log_id.map(log_id),
        last_membership: stored(&from.meta.last_membership),
    };
    SnapshotOf::<SuiteConfig, _> {
        meta,
        snapshot: from.snapshot,
    }
}

struct Log(LogStore);
struct Machine(StateMachine);
struct Builder(SnapshotBuilder);
struct Stores;

impl RaftLogReader<SuiteConfig> for Log {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Line<SuiteNode>>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        self.0.try_get_log_entries(range).await.map(lines)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<Leader<SuiteNode>>>, io::Error> {
        Ok(self.0.read_vote().await?.map(vote))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Line<SuiteNode>>, io::Error> {
        self.0.limited_get_log_entries(start, end).await.map(lines)
    }
}

impl RaftLogStorage<SuiteConfig> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<SuiteConfig>, io::Error> {
        let state = self.0.get_log_state().await?;
        Ok(LogState {
            last_purged_log_id: state.last_purged_log_id.map(log_id),
            last_log_id: state.last_log_id.map(log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        Self(self.0.clone())
    }

    async fn save_vote(&mut self, to: &Vote<Leader<SuiteNode>>) -> Result<(), io::Error> {
        self.0.save_vote(&vote(*to)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId<Leader<SuiteNode>>>) -> Result<(), io::Error> {
        self.0.save_committed(committed.map(log_id)).await
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<Leader<SuiteNode>>>, io::Error> {
        Ok(self.0.read_committed().await?.map(log_id))
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<SuiteConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Line<SuiteNode>> + Send,
        I::IntoIter: Send,
    {
        let (tell, told) = TypeConfig::oneshot();
        let entries: Vec<_> = entries.into_iter().map(line).collect();
        self.0.append(entries, IOFlushed::signal(tell)).await?;
        tokio::spawn(async move { flushed.io_completed(told.await.expect("every append is answered")) });
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId<Leader<SuiteNode>>>) -> Result<(), io::Error> {
        self.0.truncate_after(last.map(log_id)).await
    }

    async fn purge(&mut self, upto: LogId<Leader<SuiteNode>>) -> Result<(), io::Error> {
        self.0.purge(log_id(upto)).await
    }
}

impl RaftSnapshotBuilder<SuiteConfig> for Builder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> Result<SnapshotOf<SuiteConfig, SnapshotData>, io::Error> {
        self.0.build_snapshot().await.map(snapshot)
    }
}

impl RaftStateMachine<SuiteConfig> for Machine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId<Leader<SuiteNode>>>, Stored<SuiteNode>), io::Error> {
        let (applied, members) = self.0.applied_state().await?;
        Ok((applied.map(log_id), stored(&members)))
    }

    async fn apply<Entries>(&mut self, entries: Entries) -> Result<(), io::Error>
    where
        Entries: Stream<Item = Result<EntryResponder<SuiteConfig>, io::Error>> + Unpin + OptionalSend,
    {
        // The suite waits for no answers.
        self.0
            .apply(entries.map(|item| item.map(|(entry, _)| (line(entry), None))))
            .await
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder(self.0.get_snapshot_builder().await)
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<SuiteConfig>,
        data: SnapshotData,
    ) -> Result<(), io::Error> {
        let meta = SnapshotMetaOf::<TypeConfig> {
            last_log_id: meta.last_log_id.map(log_id),
            last_membership: stored(&meta.last_membership),
        };
        self.0.install_snapshot(&meta, data).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<SnapshotOf<SuiteConfig, SnapshotData>>, io::Error> {
        Ok(self.0.get_current_snapshot().await?.map(snapshot))
    }
}

impl StoreBuilder<SuiteConfig, Log, Machine, (TempDir, Store)> for Stores {
    async fn build(&self) -> Result<((TempDir, Store), Log, Machine), StorageError<SuiteConfig>> {
        let dir = TempDir::new().unwrap();
        Store::create(dir.path(), "abcdefghijklmnop".parse().unwrap(), NodeId(0)).unwrap();
        // The suite purges a log that has no state behind it.
        let floor = |_| PurgeFloor::none();
        let store = Store::start(dir.path(), None, std::sync::Arc::default(), Databases::on_disk(), floor).unwrap();
        let (log, machine) = (Log(store.log()), Machine(store.state_machine()));
        Ok(((dir, store), log, machine))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openrafts_suite_passes() {
    Suite::test_all(Stores).await.unwrap();
}

#[test]
fn the_bridge_changes_no_entry() {
    let there: Line<SuiteNode> = Line::new_blank(LogId::new(
        LeaderId {
            term: 3,
            node_id: SuiteNode(4),
        },
        5,
    ));
    let back: Line<SuiteNode> = line(line::<_, NodeId>(there.clone()));
    assert_eq!(there, back);
}
