//! Requests that change something: register, login, logout, writers and their submissions.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use quorate_core::{
    Action, BindDevice, Command, DeviceName, GrantWriter, LogIndex, Origin, RegisterUser, Submission, UnbindDevice,
    UserName,
};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, Answer, Body, Called, Failure, Grant, Login, Logout, Register, Submit};
use quorate_transport::CloseCode;
use tokio::time::Instant;

use super::reply::{self, bad_name, bad_password, bad_request, refused};
use super::serve::{Asker, Finished, Handled, Pending, call_of};
use super::services::Services;

/// How long a write may wait for a leader and a majority before it is told that its end is unknown.
const WRITE_DEADLINE: Duration = Duration::from_secs(8);
/// How long an applied write's own node may take to apply it too.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(2);

/// The call and the body, or what to do about a frame that does not parse.
pub(super) fn parse<T>(frame: &Frame, seen: LogIndex) -> Result<Called<T>, Handled>
where
    Called<T>: Body,
{
    client::parse(frame).map_err(|error| match call_of(frame) {
        Some(call) => Handled::Now(reply::reply(call, Err(bad_request(&error)), seen)),
        None => Handled::Close((CloseCode::Protocol, "the request does not parse")),
    })
}

pub(super) fn register(asker: &Asker<'_>, frame: &Frame) -> Handled {
    let Called { call, body } = match parse::<Register>(frame, asker.seen) {
        Ok(called) => called,
        Err(handled) => return handled,
    };
    let (name, device_name) = match names(&body.user, &body.device) {
        Ok(names) => names,
        Err(failure) => return Handled::Now(reply::reply(call, Err(failure), asker.seen)),
    };
    if !asker.services.registration_is_open {
        // Before the name is looked at: the answer must not tell whether it is taken.
        let failure = refused("registration-closed", "registration is not open to everybody here");
        return Handled::Now(reply::reply(call, Err(failure), asker.seen));
    }
    if !asker.services.limits.may_register(asker.source) {
        return Handled::Now(rate_limited(asker, call));
    }
    let (services, device) = (Arc::clone(asker.services), asker.device);
    let register = async move {
        let password = services
            .passwords
            .hash(body.password)
            .await
            .map_err(|error| bad_password(&error))?;
        let attempt = body.attempt;
        Ok(Command::RegisterUser(RegisterUser {
            name,
            password,
            device,
            device_name,
            attempt,
        }))
    };
    Handled::Later(log_in(Arc::clone(asker.services), call, register))
}

pub(super) fn login(asker: &Asker<'_>, frame: &Frame) -> Handled {
    let Called { call, body } = match parse::<Login>(frame, asker.seen) {
        Ok(called) => called,
        Err(handled) => return handled,
    };
    let (name, device_name) = match names(&body.user, &body.device) {
        Ok(names) => names,
        Err(failure) => return Handled::Now(reply::reply(call, Err(failure), asker.seen)),
    };
    if !asker.services.limits.may_log_in(&name, asker.source) {
        return Handled::Now(rate_limited(asker, call));
    }
    let (services, device, source) = (Arc::clone(asker.services), asker.device, asker.source);
    let prove = async move {
        let account = services.reader.with_state(|state| {
            state
                .user_by_name(&name)
                .map(|(user, record)| (user, record.password.clone()))
        });
        let hash = account.as_ref().map(|(_, hash)| hash);
        services
            .passwords
            .prove(body.password, hash)
            .await
            .map_err(|error| bad_password(&error))?;
        services.limits.logged_in(&name, source);
        let (user, proven) = account.ok_or_else(|| bad_password(&super::password::PasswordError::Wrong))?;
        Ok(Command::BindDevice(BindDevice {
            user,
            proven,
            device,
            device_name,
        }))
    };
    Handled::Later(log_in(Arc::clone(asker.services), call, prove))
}

pub(super) fn logout(asker: &Asker<'_>, frame: &Frame) -> Handled {
    let device = asker.device;
    match parse::<Logout>(frame, asker.seen) {
        Ok(Called { call, .. }) if asker.services.account(&device).is_none() => stranger(asker, call),
        Ok(Called { call, .. }) => write(
            asker,
            call,
            &Command::UnbindDevice(UnbindDevice { device, target: device }),
        ),
        Err(handled) => handled,
    }
}

pub(super) fn grant(asker: &Asker<'_>, frame: &Frame) -> Handled {
    match parse::<Grant>(frame, asker.seen) {
        Ok(Called { call, .. }) if asker.services.account(&asker.device).is_none() => stranger(asker, call),
        Ok(Called { call, .. }) => write(asker, call, &Command::GrantWriter(GrantWriter { device: asker.device })),
        Err(handled) => handled,
    }
}

pub(super) fn submit(asker: &Asker<'_>, frame: &Frame) -> Handled {
    let Called { call, body } = match parse::<Submit>(frame, asker.seen) {
        Ok(called) => called,
        Err(handled) => return handled,
    };
    let Some(user) = asker.services.account(&asker.device) else {
        return stranger(asker, call);
    };
    if matches!(body.action, Action::PostMessage(_)) && !asker.services.limits.may_post(user) {
        return Handled::Now(rate_limited(asker, call));
    }
    let origin = Origin {
        device: asker.device,
        writer: body.writer,
        request: body.request,
    };
    write(
        asker,
        call,
        &Command::Submit(Submission {
            origin,
            action: body.action,
        }),
    )
}

/// Told at the edge, so that whoever never logged in puts nothing into the log.
fn stranger(asker: &Asker<'_>, call: u64) -> Handled {
    Handled::Now(reply::reply(call, Err(not_logged_in()), asker.seen))
}

pub(super) fn not_logged_in() -> Failure {
    reply::by_core(&quorate_core::Refusal::NotLoggedIn)
}

fn rate_limited(asker: &Asker<'_>, call: u64) -> Frame {
    asker
        .services
        .counters
        .rate_limited
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let failure = refused("rate-limited", "too many requests: slow down");
    reply::reply(call, Err(failure), asker.seen)
}

fn names(user: &str, device: &str) -> Result<(UserName, DeviceName), Failure> {
    let user = UserName::parse(user).map_err(|error| bad_name(&error))?;
    let device = DeviceName::parse(device).map_err(|error| bad_name(&error))?;
    Ok((user, device))
}

/// Proposes a command and replies with its end. The place in the relay's queue is taken now, so a
/// session's writes are proposed in the order in which they came.
fn write(asker: &Asker<'_>, call: u64, command: &Command) -> Handled {
    let end = asker.services.relay.submit(command, Instant::now() + WRITE_DEADLINE);
    let pending = async move {
        let (result, seen) = reply::of_end(end.await);
        Finished::Reply {
            frame: reply::reply(call, result, seen.unwrap_or_default()),
            seen,
        }
    };
    Handled::Later(pending.boxed())
}

/// Makes a command and proposes it; replies when this node knows that the device is bound.
fn log_in(
    services: Arc<Services>,
    call: u64,
    command: impl Future<Output = Result<Command, Failure>> + Send + 'static,
) -> Pending {
    let run = async move {
        let command = command.await?;
        let end = services.relay.submit(&command, Instant::now() + WRITE_DEADLINE).await;
        let (result, seen) = reply::of_end(end);
        let answer = result?;
        if let Some(index) = seen {
            // Without it the next request could find the device unbound here. When this node is too
            // far behind, the client finds it logged in at the next one.
            let _ = services
                .reader
                .wait_applied(index, Instant::now() + CATCH_UP_DEADLINE)
                .await;
        }
        Ok::<(Answer, Option<LogIndex>), Failure>((answer, seen))
    };
    let finish = async move {
        match run.await {
            Ok((answer, seen)) => {
                let frame = reply::reply(call, Ok(answer), seen.unwrap_or_default());
                Finished::LoggedIn { frame, seen }
            }
            Err(failure) => Finished::Reply {
                frame: reply::reply(call, Err(failure), LogIndex::default()),
                seen: None,
            },
        }
    };
    finish.boxed()
}
