//! Requests that change whom the device speaks for: register, login, logout, revocation, the end of
//! the account.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use quorate_core::{
    BindDevice, Command, DeleteUser, DeviceId, DeviceName, InviteKey, Lockdown, Refusal, RegisterUser, State,
    UnbindDevice, UserName,
};
use quorate_protocol::Frame;
use quorate_protocol::client::{Called, DeleteAccount, Failure, Login, Logout, Register, RevokeDevice};
use tokio::time::Instant;

use super::limit::Guess;
use super::line;
use super::proof;
use super::reply::{bad_name, bad_password, by_core, refused, unavailable};
use super::request::{Asker, Handled, parse};
use super::services::{Registration, Services};
use super::write::{changing, later, make};
use crate::relay;

/// How long a look for an invite may take that this node may not have heard of yet.
const INVITE_DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn register(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<Register>(frame, asker.seen)?;
    let services = asker.services;
    if services.registration == Registration::Closed {
        // Before the name is looked at: the answer must not tell whether it is taken.
        let failure = refused("registration-closed", "nobody can register here");
        return Err(asker.refuse(call, failure));
    }
    if services.registration == Registration::Invite && body.invite.is_none() {
        let failure = refused("invite-required", "registering here takes an invite");
        return Err(asker.refuse(call, failure));
    }
    if services.reader.with_state(State::lockdown) >= Lockdown::NoRegister {
        // As the log would decide, before a password is hashed for nothing.
        return Err(asker.refuse(call, by_core(&Refusal::LockedDown)));
    }
    let names = names(&body.user, &body.device);
    let invite = body.invite.as_deref().map(invite_key);
    if let (Err(failure), None) = (&names, &invite) {
        return Err(asker.refuse(call, failure.clone()));
    }
    if !services.limits.may_register(asker.source) {
        return Err(asker.rate_limited(call));
    }
    let (services, device) = (Arc::clone(services), asker.device);
    let register = async move {
        if let Some(key) = &invite {
            // Before anything is told of the name, and before a password is hashed for nothing.
            let user = names.as_ref().ok().map(|(user, _)| user);
            check_invite(&services, key, user, body.attempt).await?;
        }
        let (name, device_name) = names?;
        let password = services.passwords.hash(body.password).await;
        let password = password.map_err(|error| bad_password(&error))?;
        Ok(Command::RegisterUser(RegisterUser {
            likeness: name.likeness(),
            name,
            password,
            device,
            device_name,
            attempt: body.attempt,
            invite,
        }))
    };
    Ok(changing(make(asker.services, call, register)))
}

pub(super) fn login(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<Login>(frame, asker.seen)?;
    let names = names(&body.user, &body.device);
    let (name, device_name) = names.map_err(|failure| asker.refuse(call, failure))?;
    let guess = Guess::Account(name.clone());
    if !asker.services.limits.may_guess(&guess, asker.source) {
        return Err(asker.rate_limited(call));
    }
    let (services, device, source) = (Arc::clone(asker.services), asker.device, asker.source);
    let prove = async move {
        let account = services.reader.with_state(|state| {
            let (user, record) = state.user_by_name(&name)?;
            Some((user, record.password.clone()))
        });
        let hash = account.as_ref().map(|(_, hash)| hash);
        proof::of(&services, &guess, source, body.password, hash).await?;
        let (user, proven) = account.ok_or_else(proof::wrong)?;
        Ok(Command::BindDevice(BindDevice {
            user,
            proven,
            device,
            device_name,
        }))
    };
    Ok(changing(make(asker.services, call, prove)))
}

pub(super) fn logout(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, .. } = parse::<Logout>(frame, asker.seen)?;
    asker.user(call)?;
    Ok(unbind(asker, call, asker.device))
}

pub(super) fn revoke(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<RevokeDevice>(frame, asker.seen)?;
    let user = asker.user(call)?;
    if !asker.services.limits.may_write(user) {
        return Err(asker.rate_limited(call));
    }
    Ok(unbind(asker, call, body.device))
}

fn unbind(asker: &Asker<'_>, call: u64, target: DeviceId) -> Handled {
    let device = asker.device;
    let command = Command::UnbindDevice(UnbindDevice { device, target });
    let told = make(asker.services, call, std::future::ready(Ok(command)));
    if target == device { changing(told) } else { later(told) }
}

pub(super) fn delete(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<DeleteAccount>(frame, asker.seen)?;
    asker.user(call)?;
    let (services, device, source) = (Arc::clone(asker.services), asker.device, asker.source);
    let prove = async move {
        let proven = proof::of_own(&services, &device, source, body.password).await?;
        Ok(Command::DeleteUser(DeleteUser {
            device,
            proven,
            purge_messages: body.purge_messages,
        }))
    };
    Ok(changing(make(asker.services, call, prove)))
}

fn names(user: &str, device: &str) -> Result<(UserName, DeviceName), Failure> {
    let user = UserName::parse(user).map_err(|error| bad_name(&error))?;
    let device = DeviceName::parse(device).and_then(|device| line::check(device.as_str()).map(|()| device));
    Ok((user, device.map_err(|error| bad_name(&error))?))
}

/// What the cluster knows of an invite's secret: for who makes one as for who shows it.
#[must_use]
pub fn invite_key(secret: &str) -> InviteKey {
    let digest = digest(&SHA256, secret.as_bytes());
    InviteKey(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Whether an invite lets somebody in, as far as is known now; the log decides again.
async fn check_invite(
    services: &Services,
    key: &InviteKey,
    user: Option<&UserName>,
    attempt: u128,
) -> Result<(), Failure> {
    let is_good = || services.reader.with_state(|state| lets_in(state, key, user, attempt));
    if is_good() {
        return Ok(());
    }
    // It may have been made a moment ago, at another node.
    let deadline = Instant::now() + INVITE_DEADLINE;
    let index = services.relay.read_index(deadline).await;
    let index = index.map_err(|_| unavailable("no-quorum"))?;
    let here = services.reader.wait_applied(index, deadline).await;
    here.map_err(|_| unavailable("node-behind"))?;
    let unknown = || by_core(&Refusal::UnknownInvite);
    is_good().then_some(()).ok_or_else(unknown)
}

fn lets_in(state: &State, key: &InviteKey, user: Option<&UserName>, attempt: u128) -> bool {
    let now = state.now().max(relay::now());
    let is_good = state.invite_by_key(key).is_some_and(|(_, invite)| invite.is_good(now));
    // This very attempt may have used it up already, and its answer was lost. Nobody else knows its
    // number, so nobody learns from this which names are taken.
    let is_done = || {
        let record = user.and_then(|user| state.user_by_name(user));
        record.is_some_and(|(_, user)| user.attempt == attempt)
    };
    is_good || is_done()
}

#[cfg(test)]
mod tests {
    use quorate_core::{Actor, CreateInvite, Operate, Operation, Operator, Span};

    use super::*;
    use crate::session::scene::{Scene, user_name};

    fn invite(scene: &mut Scene, secret: &str, lasts: Span) {
        let operation = Operation::CreateInvite(CreateInvite {
            key: invite_key(secret),
            lasts,
            uses: 1,
        });
        let by = Operator { uid: 0 };
        let actor = Actor::default();
        let made = scene.command(Command::Operate(Operate { by, operation, actor }));
        assert!(made.outcome.is_ok(), "{made:?}");
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        assert!(names("ada", "laptop").is_ok());
        for (user, device) in [
            ("ada", "lap\u{202e}pot"),
            ("ada", "a\u{2028}b"),
            ("аda", "laptop"),
            ("a\u{2066}da", "x"),
        ] {
            let told = names(user, device);
            assert!(
                matches!(told, Err(Failure::Refused { code, .. }) if code == "bad-name"),
                "{user} {device}"
            );
        }
    }

    #[test]
    fn an_invite_is_known_by_the_sha_256_of_its_secret() {
        // FIPS 180-2, appendix B.1.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(invite_key("abc").to_string(), digest);
    }

    #[test]
    fn an_invite_lets_in_and_an_unknown_one_does_not() {
        let mut scene = Scene::of(&["ada"]);
        // Made by a clock far ahead: the node's own decides as well.
        invite(&mut scene, "good", Span(u64::MAX / 2));
        let lets_in = |secret: &str| lets_in(&scene.state, &invite_key(secret), None, 7);
        assert!(lets_in("good"));
        assert!(!lets_in("other"));
    }

    #[test]
    fn an_invite_that_has_run_out_by_the_nodes_clock_lets_nobody_in() {
        let mut scene = Scene::of(&["ada"]);
        // The scene's log time is in 1970.
        invite(&mut scene, "short", Span(60_000));
        assert!(!lets_in(&scene.state, &invite_key("short"), None, 7));
    }

    #[test]
    fn the_attempt_that_used_the_invite_up_may_come_again_and_no_other() {
        let scene = Scene::of(&["ada"]);
        let attempt = 1;
        let lets_in = |name: &str, attempt| lets_in(&scene.state, &invite_key("used"), Some(&user_name(name)), attempt);
        assert!(lets_in("ada", attempt));
        assert!(!lets_in("ada", attempt + 1));
        assert!(!lets_in("bob", attempt));
    }
}
