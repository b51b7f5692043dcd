//! The next entry of the audit log.

use crate::{
    AUDIT_ENTRIES_MAX, AuditEntry, AuditHead, AuditNo, AuditTarget, AuditWord, Done, Operate, Outcome, State,
    StateEvent,
};

/// What stands there for what was done, and did not have to be.
const DONE: &str = "done";
const UNCHANGED: &str = "unchanged";

/// What an operation came to.
pub(super) fn audited(state: &State, command: &Operate, outcome: &Outcome) -> StateEvent {
    let AuditHead { first, next: no, hash } = state.audit();
    let uid = command.by.uid;
    let entry = AuditEntry {
        at: state.now(),
        uid,
        actor: command.actor.or_uid(uid),
        action: AuditWord::known(command.operation.action()),
        target: AuditTarget::cut(&command.operation.target()),
        outcome: AuditWord::known(match outcome {
            Ok(Done::Unchanged) => UNCHANGED,
            Ok(_) => DONE,
            Err(refusal) => refusal.code(),
        }),
        before: hash,
    };
    let kept = no.0 - first.0;
    StateEvent::Audited {
        hash: entry.hash(no),
        no,
        entry,
        dropped: (kept >= AUDIT_ENTRIES_MAX).then_some(AuditNo(first.0)),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Actor, AuditHash, Operation, Operator, Refusal, UserName};

    use super::*;

    #[test]
    fn the_oldest_entry_gives_way_once_there_are_as_many_as_are_kept() {
        let command = Operate {
            by: Operator { uid: 7 },
            operation: Operation::DisableUser(UserName::parse("alice").unwrap()),
            actor: Actor::default(),
        };
        let mut state = State::new();
        let mut dropped = Vec::new();
        for kept in [AUDIT_ENTRIES_MAX - 1, AUDIT_ENTRIES_MAX] {
            state.audit = Some(AuditHead {
                first: AuditNo(4),
                next: AuditNo(4 + kept),
                hash: AuditHash([1; 32]),
            });
            let event = audited(&state, &command, &Err(Refusal::UnknownUser));
            let StateEvent::Audited { dropped: oldest, .. } = &event else {
                panic!("it is audited");
            };
            dropped.push(*oldest);
            state.evolve(&crate::Event::State(event));
        }
        assert_eq!(dropped, [None, Some(AuditNo(4))]);
        assert_eq!(state.audit().first, AuditNo(5));
        assert_eq!(state.audit().next, AuditNo(4 + AUDIT_ENTRIES_MAX + 1));
    }
}
