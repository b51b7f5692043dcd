//! Proving passwords: each try takes a token that only the right password gives back.

use std::net::IpAddr;

use quorate_core::{DeviceId, PasswordHash};
use quorate_protocol::client::Failure;

use super::limit::Guess;
use super::password::PasswordError;
use super::reply::{bad_password, not_logged_in};
use super::services::Services;

/// The wrong name or password: which of both is not told.
pub(super) fn wrong() -> Failure {
    bad_password(&PasswordError::Wrong)
}

/// Proves a password. The caller has taken the token ([`super::Limits`]).
pub(super) async fn of(
    services: &Services,
    guess: &Guess,
    source: IpAddr,
    password: String,
    hash: Option<&PasswordHash>,
) -> Result<(), Failure> {
    let proven = services.passwords.prove(password, hash).await;
    if !matches!(proven, Err(PasswordError::Wrong)) {
        services.limits.did_not_fail(guess, source);
    }
    proven.map_err(|error| bad_password(&error))
}

/// Proves the password of the account that the device speaks for; gives the hash that it was proven
/// against.
pub(super) async fn of_own(
    services: &Services,
    device: &DeviceId,
    source: IpAddr,
    password: String,
) -> Result<PasswordHash, Failure> {
    let (hash, guess) = (own(services, device)?, Guess::Own(*device));
    if !services.limits.may_guess(&guess, source) {
        return Err(services.rate_limited());
    }
    of(services, &guess, source, password, Some(&hash)).await?;
    Ok(hash)
}

/// The password hash of the account that the device speaks for.
pub(super) fn own(services: &Services, device: &DeviceId) -> Result<PasswordHash, Failure> {
    let own = services.reader.with_state(|state| {
        let user = state.user(state.device(device)?.user)?;
        Some(user.password.clone())
    });
    own.ok_or_else(not_logged_in)
}
