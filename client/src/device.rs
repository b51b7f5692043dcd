//! The installations that speak for the user.

use quorate_core::{DeviceId, Done};
use quorate_protocol::client::{Answer, DeviceRow, ListDevices, RevokeDevice};

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::{Client, RequestError};

impl Client {
    /// The devices that speak for the user.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, RequestError> {
        match self.call(ListDevices {}, Effect::None, DEADLINE).await? {
            Answer::Devices(page) => Ok(page.rows),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// Lets a device of the user speak for nobody; its sessions end on every node. For this device it is the same as
    /// [`Client::logout`].
    ///
    /// # Errors
    /// See [`RequestError`]; `unknown-device` is a refusal.
    pub async fn revoke_device(&self, device: DeviceId) -> Result<(), RequestError> {
        if device == self.device() {
            return self.logout().await;
        }
        let effect = Effect::Once {
            refusal: "unknown-device",
            done: Answer::Done(Done::Unbound),
        };
        self.call(RevokeDevice { device }, effect, DEADLINE).await.map(drop)
    }
}
