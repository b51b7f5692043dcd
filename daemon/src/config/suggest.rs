//! Guesses which word was meant.

/// A guess is made where no more than a third of the letters, and no more than so many, are wrong.
const EDITS_MAX: usize = 3;

/// The nearest of the words, if one is near.
pub(super) fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    let near = |word: &str| EDITS_MAX.min(word.len().max(given.len()).div_ceil(3));
    words
        .into_iter()
        .map(|word| (edits(&given, word), word))
        .filter(|(edits, word)| *edits <= near(word))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// How many letters must be added, left out, changed or swapped with the next: the optimal string alignment distance.
fn edits(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = [
        vec![0; right.len() + 1],
        (0..=right.len()).collect::<Vec<_>>(),
        vec![0; right.len() + 1],
    ];
    for i in 1..=left.len() {
        let [before, above, row] = &mut rows;
        row[0] = i;
        for j in 1..=right.len() {
            let same = left[i - 1] == right[j - 1];
            let mut least = (above[j] + 1)
                .min(row[j - 1] + 1)
                .min(above[j - 1] + usize::from(!same));
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row[j] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_as_people_make_them() {
        for (left, right, count) in [
            ("", "abc", 3),
            ("peer", "peer", 0),
            ("pere", "peer", 1),
            ("pee", "peer", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(edits(left, right), count, "{left} {right}");
            assert_eq!(edits(right, left), count, "{right} {left}");
        }
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let words = ["data_dir", "admin_socket", "id"];
        assert_eq!(nearest("data-dir", words), Some("data_dir"));
        assert_eq!(nearest("admin_sokcet", words), Some("admin_socket"));
        assert_eq!(nearest("colour", words), None);
    }
}
