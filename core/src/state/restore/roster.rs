//! The nodes of the cluster and the tokens that let them in.

use crate::{RecordKey, RestoreError, State};

use super::contradicts;

impl State {
    pub(super) fn index_nodes(&mut self) -> Result<(), RestoreError> {
        for (id, node) in &self.nodes {
            let from = RecordKey::Node(*id);
            let Some(admission) = &node.admission else { continue };
            if self.node_keys.insert(admission.key, *id).is_some() {
                return Err(contradicts(from));
            }
        }
        // Whoever is there was written down beside the roster.
        if self.roster.is_none() && !(self.nodes.is_empty() && self.join_tokens.is_empty()) {
            return Err(contradicts(RecordKey::Roster));
        }
        let overused = self.join_tokens.iter().find(|(_, token)| token.uses_left > token.uses);
        match overused {
            Some((id, _)) => Err(contradicts(RecordKey::JoinToken(*id))),
            None => Ok(()),
        }
    }
}
