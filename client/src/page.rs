//! Lists to their end, a page at a time.

use quorate_protocol::client::{HISTORY_LIMIT_MAX, Page};

use crate::RequestError;

/// Rows that are asked for at once where a whole list is wanted: all that a node gives.
pub(crate) const PAGE_ROWS: u16 = HISTORY_LIMIT_MAX;
/// Pages of one list, at the most: no list of the cluster is longer.
const PAGES_MAX: usize = 10_000;

/// All rows of a list, whose pages `page` asks for: each after the cursor that it is given.
pub(crate) async fn every<T, F>(page: impl Fn(Option<String>) -> F) -> Result<Vec<T>, RequestError>
where
    F: Future<Output = Result<Page<T>, RequestError>>,
{
    let mut rows = Vec::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let found = page(after).await?;
        rows.extend(found.rows);
        after = found.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
    Err(RequestError::odd_answer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<u32>, next: Option<&str>) -> Result<Page<u32>, RequestError> {
        let next = next.map(str::to_owned);
        Ok(Page { rows, next })
    }

    #[tokio::test]
    async fn each_page_is_asked_for_with_the_cursor_of_the_one_before() {
        let all = every(|after| async move {
            match after.as_deref() {
                None => page(vec![1, 2], Some("b")),
                // A page may be empty without being the last: all its rows were hidden.
                Some("b") => page(vec![], Some("c")),
                Some("c") => page(vec![3], None),
                Some(other) => panic!("nobody gave the cursor {other}"),
            }
        });
        assert_eq!(all.await.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_list_that_never_ends_is_an_odd_answer() {
        let endless = every(|_| async { page(vec![], Some("again")) }).await;
        assert_eq!(endless.unwrap_err().code(), "protocol");
    }
}
