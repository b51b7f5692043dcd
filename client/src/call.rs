//! One request at a time: asked again at whichever node answers, until there is an answer or the deadline has passed.

use std::time::Duration;

use quorate_core::Action;
use quorate_core::Done;
use quorate_protocol::client::{Answer, Body, Called, Failure};
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::link::{Link, Lost};
use crate::outbox::GaveUp;
use crate::pump::is_trouble;
use crate::{Client, RequestError};

/// What it means when an answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it only reads.
    None,
    /// It may have happened.
    Change,
}

/// How an attempt went.
pub(crate) enum Attempt<T> {
    Answered(T),
    Failed(Failure),
    Lost,
}

impl Client {
    /// Asks until answered.
    pub(crate) async fn call<T>(&self, body: T, effect: Effect, within: Duration) -> Result<Answer, RequestError>
    where
        T: Clone + Send,
        Called<T>: Body,
    {
        let attempt = |link: Link| {
            let body = body.clone();
            async move {
                match link.call(body).await {
                    Ok(Ok(answer)) => Attempt::Answered(answer),
                    Ok(Err(failure)) => Attempt::Failed(failure),
                    Err(Lost) => Attempt::Lost,
                }
            }
        };
        self.attempt_until(effect, within, attempt).await
    }

    /// Attempts until one is answered.
    pub(crate) async fn attempt_until<T, F>(
        &self,
        effect: Effect,
        within: Duration,
        attempt: impl Fn(Link) -> F,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Attempt<T>> + Send,
    {
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::of_asking();
        let mut uncertain = false;
        let mut last_code = None;
        loop {
            let link = match self.shared.link_by(deadline).await {
                Ok(link) => link,
                Err(_) if uncertain => return Err(RequestError::Unknown),
                Err(error) => return Err(error),
            };
            match timeout_at(deadline, attempt(link.clone())).await {
                Ok(Attempt::Answered(answer)) => {
                    if effect == Effect::Change {
                        link.report(true);
                    }
                    return Ok(answer);
                }
                // Said at the edge about this attempt alone, while an earlier one may have gone through.
                Ok(Attempt::Failed(Failure::Refused { code, .. })) if uncertain && code == "rate-limited" => {
                    if timeout_at(deadline, backoff.wait()).await.is_err() {
                        return Err(RequestError::Unknown);
                    }
                }
                Ok(Attempt::Failed(Failure::Refused { code, .. })) if uncertain && code == "registration-closed" => {
                    return Err(RequestError::Unknown);
                }
                Ok(Attempt::Failed(Failure::Refused { code, message, .. })) => {
                    return Err(RequestError::Refused { code, message });
                }
                Ok(Attempt::Failed(failure)) => {
                    uncertain |= effect == Effect::Change && failure == Failure::Unknown;
                    if is_trouble(&failure) {
                        link.report(false);
                    }
                    if let Failure::Unavailable { code } = failure {
                        last_code = Some(code);
                    }
                    if Instant::now() >= deadline || timeout_at(deadline, backoff.wait()).await.is_err() {
                        return Err(self.late(uncertain, last_code));
                    }
                }
                Ok(Attempt::Lost) => {
                    uncertain |= effect == Effect::Change;
                    if !link.is_dead() {
                        backoff.wait().await;
                    }
                }
                Err(_) => {
                    uncertain |= effect == Effect::Change;
                    return Err(self.late(uncertain, last_code));
                }
            }
        }
    }

    /// What is said at the deadline.
    pub(crate) fn late(&self, uncertain: bool, code: Option<String>) -> RequestError {
        match code {
            _ if uncertain => RequestError::Unknown,
            Some(code) if !matches!(code.as_str(), "no-leader" | "unknown") => RequestError::Unavailable {
                message: format!("the cluster cannot do this now: {code}"),
                code,
            },
            _ => self.shared.no_node(),
        }
    }

    /// Puts something into the outbox at once, and gives what waits for its answer. The order of these calls is the order
    /// in which the cluster applies.
    pub(crate) fn submit(
        &self,
        action: Action,
        within: Duration,
    ) -> impl Future<Output = Result<Done, RequestError>> + Send + use<> {
        let deadline = Instant::now() + within;
        let pushed = self.shared.outbox().and_then(|outbox| {
            let ticket = outbox.push(action)?;
            Ok((outbox, ticket))
        });
        let client = self.clone();
        async move {
            let (outbox, mut ticket) = pushed?;
            tokio::select! {
                answered = timeout_at(deadline, &mut ticket.resolution) => {
                    // Else the deadline has passed, or the outbox is closed.
                    if let Ok(Ok(resolution)) = answered {
                        return resolution;
                    }
                }
                // Nothing was sent yet, nor will be.
                _ = client.shared.failed() => {}
                () = client.shared.closing() => {}
            }
            match outbox.give_up(ticket) {
                GaveUp::Late(resolution) => resolution,
                GaveUp::SurelyNot => Err(client.shared.no_node()),
                GaveUp::Unknown => Err(RequestError::Unknown),
            }
        }
    }
}
