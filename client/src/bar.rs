//! Why the cluster lets somebody in nowhere, for now.

use quorate_transport::CloseCode;

use crate::RequestError;

/// What every node says to this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// The account that the device speaks for is disabled.
    Disabled,
    /// The account, or the address, is banned.
    Banned,
    /// Only devices that are logged in are let in.
    Lockdown,
}

impl Bar {
    /// What a node that closed a connection with this code said by it.
    pub(crate) fn of(code: CloseCode) -> Option<Self> {
        match code {
            CloseCode::Disabled => Some(Self::Disabled),
            CloseCode::Banned => Some(Self::Banned),
            CloseCode::Lockdown => Some(Self::Lockdown),
            _ => None,
        }
    }

    /// For people.
    pub(crate) const fn cause(self) -> &'static str {
        match self {
            Self::Disabled => "this account is disabled",
            Self::Banned => "banned from this server",
            Self::Lockdown => "the server lets in only who is logged in for now",
        }
    }

    /// What is asked while it holds ends with this.
    pub(crate) fn error(self) -> RequestError {
        let code = match self {
            Self::Disabled => "disabled",
            Self::Banned => "banned",
            Self::Lockdown => "lockdown",
        };
        RequestError::refused(code, self.cause())
    }
}
