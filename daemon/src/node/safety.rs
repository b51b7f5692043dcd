//! The arithmetic by which a change of the voters is refused.

use quorate_adminapi::{Votes, quorum_of, tolerates};
use quorate_core::NodeId;

/// What a change would do that an operator may not want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Danger {
    /// Those that answer would be no majority any more.
    Quorum,
    /// The cluster would survive fewer failures than now.
    Tolerance,
    /// The node would count as a voter, and does not answer.
    Unreachable,
    /// Nobody could lead.
    NobodyLeft,
}

impl Danger {
    /// The refusal, in numbers.
    pub(super) fn told(self, node: NodeId, was: Votes, will: Votes) -> String {
        let numbers = format!(
            "{} voters, {} reachable, {} needed; now {} voters, {} reachable, {} needed",
            will.voters, will.reachable, will.needed, was.voters, was.reachable, was.needed
        );
        match self {
            Self::Quorum => format!("without n{node} the cluster would have no quorum: {numbers}"),
            Self::Tolerance => format!(
                "without n{node} the cluster would tolerate {} instead of {} failures: {numbers}",
                will.tolerates, was.tolerates
            ),
            Self::Unreachable => format!("n{node} does not answer, and would count as a voter: {numbers}"),
            Self::NobodyLeft => {
                format!("no other voter that answers may lead: without n{node} nobody would ({numbers})")
            }
        }
    }
}

/// So many voters, of which so many answer.
pub(super) fn votes(voters: usize, reachable: usize) -> Votes {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (voters, reachable) = (count(voters), count(reachable));
    Votes {
        voters,
        reachable,
        needed: quorum_of(voters),
        tolerates: tolerates(voters, reachable),
    }
}

/// What a change of the voters would do; `strict` also minds the tolerance.
pub(super) fn of(was: Votes, will: Votes, strict: bool) -> Option<Danger> {
    if will.reachable < will.needed {
        return Some(Danger::Quorum);
    }
    (strict && will.tolerates < was.tolerates).then_some(Danger::Tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loses_the_quorum_or_tolerance_is_a_danger() {
        let cases = [
            // A live one of so many, all of which are there.
            ((5, 5), (4, 4), Some(Danger::Tolerance)),
            ((4, 4), (3, 3), None),
            ((3, 3), (2, 2), Some(Danger::Tolerance)),
            ((2, 2), (1, 1), None),
            // A dead one.
            ((5, 4), (4, 4), None),
            ((3, 2), (2, 2), None),
            ((5, 3), (4, 3), None),
            // A live one, where another is dead.
            ((5, 4), (4, 3), Some(Danger::Tolerance)),
            ((3, 2), (2, 1), Some(Danger::Quorum)),
            ((4, 3), (3, 2), None),
        ];
        for ((voters, up), (fewer, still_up), expected) in cases {
            let (was, will) = (votes(voters, up), votes(fewer, still_up));
            assert_eq!(of(was, will, true), expected, "{up} of {voters}");
            let lenient = expected.filter(|danger| *danger == Danger::Quorum);
            assert_eq!(of(was, will, false), lenient, "{up} of {voters}");
        }
    }

    #[test]
    fn a_refusal_says_the_numbers() {
        let told = Danger::Quorum.told(NodeId(3), votes(3, 2), votes(2, 1));
        assert_eq!(
            told,
            "without n3 the cluster would have no quorum: 2 voters, 1 reachable, 2 needed; \
             now 3 voters, 2 reachable, 2 needed"
        );
    }
}
