//! One request at a time: asked again at whichever node answers, until there is an answer or the deadline has passed.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{Action, Done};
use quorate_protocol::client::{self, Answer, Body, Called, Failure};
use quorate_protocol::{FRAME_KIND_BYTES, FRAME_MAX_CLIENT_BYTES, Frame};
use tokio::sync::oneshot::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::link::{Link, Lost};
use crate::outbox::{GaveUp, Outbox, Resolution, Ticket};
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

/// How long something that only reads is asked of one node that says one of [`WORTH_A_WAIT`]: a node that was behind by an apply
/// has caught up long before, and anything else does not mend itself soon.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a node may be too late, too young or too busy for.
const WORTH_A_WAIT: [&str; 3] = ["node-behind", "search-unavailable", "busy"];

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
        let deadline = self.deadline(within);
        // How long that node is still asked. With another one it begins anew.
        let mut patience: Option<(Link, Instant)> = None;
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
            let end = match &patience {
                Some((with, end)) if with.is_same(&link) => deadline.min(*end),
                _ => deadline,
            };
            if Instant::now() >= end {
                // Too late to begin: what is sent now would be of unknown outcome.
                return Err(self.late(uncertain, last_code));
            }
            match timeout_at(end, attempt(link.clone())).await {
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
                        let is_other = !patience.as_ref().is_some_and(|(with, _)| with.is_same(&link));
                        if is_other && !effect.changes() && WORTH_A_WAIT.contains(&code.as_str()) {
                            patience = Some((link, Instant::now() + PATIENCE));
                        }
                        last_code = Some(code);
                    }
                    if Instant::now() >= end || timeout_at(end, backoff.wait()).await.is_err() {
                        return Err(self.late(uncertain, last_code));
                    }
                }
                Ok(Attempt::Lost) => {
                    uncertain |= effect.changes();
                    // The next session is asked at once; but what ends every session is not to be asked for ever and ever.
                    if !link.is_dead() || std::mem::replace(&mut was_lost, true) {
                        // The deadline is looked at above.
                        let _ = timeout_at(deadline, backoff.wait()).await;
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
        let deadline = self.deadline(within);
        let withdraw = self.is_bounded();
        let pushed = self.shared.outbox().and_then(|outbox| {
            let ticket = Some(outbox.push(action)?);
            Ok(Asked {
                outbox,
                ticket,
                withdraw,
            })
        });
        let client = self.clone();
        async move {
            let mut asked = pushed?;
            tokio::select! {
                answered = timeout_at(deadline, asked.resolution()) => {
                    // Else the deadline has passed, or the outbox is closed.
                    if let Ok(Ok(resolution)) = answered {
                        asked.ticket = None;
                        return resolution;
                    }
                }
                // Nothing was sent yet, nor will be.
                _ = client.shared.failed() => {}
                _ = client.shared.barred() => {}
                () = client.shared.dismissed() => {}
                () = client.shared.closing() => {}
            }
            match asked.give_up() {
                Some(GaveUp::Late(resolution)) => resolution,
                Some(GaveUp::SurelyNot) => Err(client.shared.no_node()),
                Some(GaveUp::Unknown) | None => Err(RequestError::Unknown),
            }
        }
    }
}

/// Something in the outbox whose answer is waited for.
struct Asked {
    outbox: Arc<Outbox>,
    /// Until it has its answer, or was given up.
    ticket: Option<Ticket>,
    /// Given up with the future: see [`Client::within`].
    withdraw: bool,
}

impl Asked {
    async fn resolution(&mut self) -> Result<Resolution, RecvError> {
        let ticket = self
            .ticket
            .as_mut()
            .expect("it is taken only when nobody waits any more");
        (&mut ticket.resolution).await
    }

    fn give_up(&mut self) -> Option<GaveUp> {
        self.ticket.take().map(|ticket| self.outbox.give_up(ticket))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.withdraw {
            // Nobody is there to be told.
            let _ = self.give_up();
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
