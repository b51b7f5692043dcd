//! One request at a time: asked again at whichever node answers, until there is an answer or the deadline has passed.

use std::time::Duration;

use quorate_core::{Action, Done};
use quorate_protocol::client::{self, Answer, Body, Called, Failure};
use quorate_protocol::{FRAME_KIND_BYTES, FRAME_MAX_CLIENT_BYTES, Frame};
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::link::{Link, Lost};
use crate::outbox::GaveUp;
use crate::pump::is_trouble;
use crate::{Client, RequestError};

/// What it means when an answer is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect<T> {
    /// Nothing: it only reads.
    None,
    /// It may have happened. Asked again it finds its own success.
    Change,
    /// It may have happened, and cannot happen twice: asked again it is then refused with this code. So after a lost answer
    /// this refusal says that it is done.
    Once {
        /// The code.
        refusal: &'static str,
        /// What the lost answer said.
        done: T,
    },
}

impl<T> Effect<T> {
    fn changes(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// How an attempt went.
pub(crate) enum Attempt<T> {
    Answered(T),
    Failed(Failure),
    Lost,
}

impl Client {
    /// Asks until answered.
    pub(crate) async fn call<T>(
        &self,
        body: T,
        effect: Effect<Answer>,
        within: Duration,
    ) -> Result<Answer, RequestError>
    where
        T: Clone + Send,
        Called<T>: Body,
    {
        let longest = Called {
            call: u64::MAX,
            body: body.clone(),
        };
        fits(&client::frame(&longest))?;
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
        effect: Effect<T>,
        within: Duration,
        attempt: impl Fn(Link) -> F,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Attempt<T>> + Send,
    {
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::of_asking();
        let mut uncertain = false;
        let mut was_lost = false;
        let mut last_code = None;
        loop {
            let link = match self.shared.link_by(deadline).await {
                Ok(link) => link,
                Err(_) if uncertain => return Err(RequestError::Unknown),
                Err(error) => return Err(error),
            };
            match timeout_at(deadline, attempt(link.clone())).await {
                Ok(Attempt::Answered(answer)) => {
                    if effect.changes() {
                        link.report(true);
                    }
                    return Ok(answer);
                }
                Ok(Attempt::Failed(Failure::Refused { code, message, .. })) if !uncertain => {
                    return Err(RequestError::Refused { code, message });
                }
                Ok(Attempt::Failed(Failure::Refused { code, message, .. })) => match code.as_str() {
                    // Said at the edge about this attempt alone, while an earlier one may have gone through.
                    "rate-limited" => {
                        if timeout_at(deadline, backoff.wait()).await.is_err() {
                            return Err(RequestError::Unknown);
                        }
                    }
                    code => {
                        if let Effect::Once { refusal, done } = effect
                            && refusal == code
                        {
                            return Ok(done);
                        }
                        return Err(match code {
                            "registration-closed" | "not-logged-in" => RequestError::Unknown,
                            _ => RequestError::refused(code, message),
                        });
                    }
                },
                Ok(Attempt::Failed(failure)) => {
                    uncertain |= effect.changes() && failure == Failure::Unknown;
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
                    uncertain |= effect.changes();
                    // The next session is asked at once; but what ends every session is not to be asked for ever and ever.
                    if !link.is_dead() || std::mem::replace(&mut was_lost, true) {
                        backoff.wait().await;
                    }
                }
                Err(_) => {
                    uncertain |= effect.changes();
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
                () = client.shared.dismissed() => {}
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

/// A node would end the session for a longer frame, and the next one would do the same.
pub(crate) fn fits(frame: &Frame) -> Result<(), RequestError> {
    if FRAME_KIND_BYTES + frame.body.len() > FRAME_MAX_CLIENT_BYTES {
        return Err(RequestError::refused(
            "too-large",
            "this is more than a request may hold",
        ));
    }
    Ok(())
}
