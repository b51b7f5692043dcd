//! The arithmetic of majorities.

/// How many of so many voters are a majority.
#[must_use]
pub const fn quorum_of(voters: u32) -> u32 {
    voters / 2 + 1
}

/// How many of the voters that are up may go down before there is no majority. 0 as well where there is none already.
#[must_use]
pub const fn tolerates(voters: u32, voters_up: u32) -> u32 {
    voters_up.saturating_sub(quorum_of(voters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_voters_tolerate_two_failures_and_six_no_more_than_that() {
        assert_eq!((quorum_of(5), tolerates(5, 5)), (3, 2));
        assert_eq!((quorum_of(6), tolerates(6, 6)), (4, 2));
        assert_eq!(tolerates(5, 3), 0);
        assert_eq!(tolerates(5, 1), 0);
        assert_eq!((quorum_of(1), tolerates(1, 1)), (1, 0));
    }
}
