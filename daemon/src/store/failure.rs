//! The one switch from working to failed, shared by all parts of a store.

use std::sync::Arc;

use tokio::sync::watch;

use super::StoreError;

/// Says once, to everybody, why the store failed. Nothing is confirmed to anybody afterwards, by
/// either file: a disk that failed one fsync is not trusted with the next.
#[derive(Clone, Debug)]
pub struct Failure(Arc<watch::Sender<Option<StoreError>>>);

impl Failure {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Waits for the failure. Never returns while the store works.
    pub async fn wait(&self) -> StoreError {
        let mut watching = self.0.subscribe();
        let failed = watching.wait_for(Option::is_some).await;
        // The sender lives in self, so that the channel cannot be closed here.
        failed
            .ok()
            .and_then(|error| error.clone())
            .unwrap_or(StoreError::Closed)
    }

    /// The failure, if there was one.
    #[must_use]
    pub fn get(&self) -> Option<StoreError> {
        self.0.borrow().clone()
    }

    /// Publishes the error unless another one came first, and hands it back.
    pub(super) fn raise(&self, error: StoreError) -> StoreError {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                *current = Some(error.clone());
            }
            first
        });
        error
    }

    /// Raises it when a record was corrupt, or the disk failed; a closed store is no failure.
    pub(super) fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Err(StoreError::Closed) => Err(StoreError::Closed),
            other => other.map_err(|error| self.raise(error)),
        }
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.get().map_or(Ok(()), Err)
    }
}
