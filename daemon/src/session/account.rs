//! Requests that change an account, or its bots, and leave it alone whom the device speaks for.

use std::net::IpAddr;
use std::sync::Arc;

use quorate_core::{ChangePassword, Command, CreateBot, DeleteBot, DeviceId, Done, Refusal, SetBotPassword, UserName};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, Answer, Called};
use quorate_protocol::relay::End;

use super::limit::Guess;
use super::password::PasswordError;
use super::proof;
use super::reply::{self, bad_name, bad_password};
use super::request::{Asker, Handled, parse};
use super::services::Services;
use super::write::{Made, later, make, put_through, told};

pub(super) fn change_password(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<client::ChangePassword>(frame, asker.seen)?;
    let user = asker.user(call)?;
    if !asker.services.limits.may_write(user) {
        return Err(asker.rate_limited(call));
    }
    let (services, device, source) = (Arc::clone(asker.services), asker.device, asker.source);
    let change = async move { change(&services, device, source, body).await };
    Ok(later(told(call, change)))
}

async fn change(services: &Services, device: DeviceId, source: IpAddr, body: client::ChangePassword) -> Made {
    let (present, guess) = (proof::own(services, &device)?, Guess::Own(device));
    if !services.limits.may_guess(&guess, source) {
        return Err(services.rate_limited());
    }
    let done = (Ok(Answer::Done(Done::Changed)), None);
    let proven = services.passwords.prove(body.old, Some(&present)).await;
    if matches!(proven, Err(PasswordError::Wrong)) {
        // The answer to the same change may have been lost: then it was done before.
        // It is another guess.
        if !services.limits.may_guess(&guess, source) {
            return Err(services.rate_limited());
        }
        let again = proof::of(services, &guess, source, body.new, Some(&present)).await;
        return again.map(|()| done);
    }
    services.limits.did_not_fail(&guess, source);
    proven.map_err(|error| bad_password(&error))?;
    let password = services.passwords.hash(body.new.clone()).await;
    let command = Command::ChangePassword(ChangePassword {
        device,
        proven: present,
        password: password.map_err(|error| bad_password(&error))?,
    });
    let end = put_through(services, &command).await;
    if let End::Applied {
        outcome: Err(Refusal::WrongPassword),
        ..
    } = end
    {
        // Somebody was faster: perhaps an earlier sending of this very change.
        let present = proof::own(services, &device)?;
        if services.passwords.prove(body.new, Some(&present)).await.is_ok() {
            return Ok(done);
        }
    }
    Ok(reply::of_end(end))
}

pub(super) fn create_bot(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<client::CreateBot>(frame, asker.seen)?;
    let name = UserName::parse(&body.bot).map_err(|error| asker.refuse(call, bad_name(&error)))?;
    may_hash(asker, call)?;
    let (services, device) = (Arc::clone(asker.services), asker.device);
    let create = async move {
        let password = services.passwords.hash(body.token).await;
        Ok(Command::CreateBot(CreateBot {
            device,
            likeness: name.likeness(),
            name,
            password: password.map_err(|error| bad_password(&error))?,
            attempt: body.attempt,
        }))
    };
    Ok(later(make(asker.services, call, create)))
}

pub(super) fn change_token(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<client::ChangeToken>(frame, asker.seen)?;
    may_hash(asker, call)?;
    let (services, device) = (Arc::clone(asker.services), asker.device);
    let change = async move {
        let password = services.passwords.hash(body.token).await;
        Ok(Command::SetBotPassword(SetBotPassword {
            device,
            bot: body.bot,
            password: password.map_err(|error| bad_password(&error))?,
        }))
    };
    Ok(later(make(asker.services, call, change)))
}

pub(super) fn delete_bot(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<client::DeleteBot>(frame, asker.seen)?;
    let user = asker.user(call)?;
    if !asker.services.limits.may_write(user) {
        return Err(asker.rate_limited(call));
    }
    let command = Command::DeleteBot(DeleteBot {
        device: asker.device,
        bot: body.bot,
        purge_messages: body.purge_messages,
    });
    Ok(later(make(asker.services, call, std::future::ready(Ok(command)))))
}

/// A token is hashed as a password is: it costs what a registration does, and counts as one.
fn may_hash(asker: &Asker<'_>, call: u64) -> Result<(), Handled> {
    let user = asker.user(call)?;
    let limits = &asker.services.limits;
    if limits.may_write(user) && limits.may_register(asker.source) {
        Ok(())
    } else {
        Err(asker.rate_limited(call))
    }
}
