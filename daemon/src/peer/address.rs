//! Where the peers are, as far as this node knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use quorate_core::NodeId;

/// Node → `host:port` of its peer endpoint. From the configuration at first, from the membership later. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct AddressBook(Arc<ArcSwap<BTreeMap<NodeId, String>>>);

impl AddressBook {
    /// With these addrs.
    #[must_use]
    pub fn new(addrs: BTreeMap<NodeId, String>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(addrs)))
    }

    /// Where this node is.
    #[must_use]
    pub fn addr(&self, node: NodeId) -> Option<String> {
        self.0.load().get(&node).cloned()
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> Arc<BTreeMap<NodeId, String>> {
        self.0.load_full()
    }

    /// Puts others in place of all of them.
    pub fn replace(&self, addrs: BTreeMap<NodeId, String>) {
        self.0.store(Arc::new(addrs));
    }

    /// Learns or corrects these; the others stay. A node that the membership does not name (yet) keeps what it was known by.
    pub fn learn(&self, addrs: impl IntoIterator<Item = (NodeId, String)> + Clone) {
        self.0.rcu(|known| {
            let mut known = BTreeMap::clone(known);
            known.extend(addrs.clone());
            known
        });
    }
}
