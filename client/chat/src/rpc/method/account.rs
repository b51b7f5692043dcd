//! Accounts, devices, bots, presence.

use quorate_client::{BotToken, InviteLink};
use serde_json::{Value, json};

use super::{Failed, Methods, Params, list, rows};
use crate::{device, json as forms};

/// How a link begins, where an invite may be its code alone.
const LINK: &str = "chat://";

impl Methods {
    pub(super) async fn register(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let link: InviteLink;
        let invite = match params.optional_text("invite")? {
            Some(text) if text.starts_with(LINK) => {
                link = text
                    .parse()
                    .map_err(|error| Failed::Params(format!("invite: {error}")))?;
                link.invite()
            }
            Some(code) => Some(code),
            None => self.invite.as_deref(),
        };
        let (user, password) = (params.text("user")?, params.text("password")?);
        let user = self.client.register(user, password, invite).await?;
        Ok(json!({"user": user.as_str()}))
    }

    pub(super) async fn login(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let user = self
            .client
            .login(params.text("user")?, params.text("password")?)
            .await?;
        Ok(json!({"user": user.as_str()}))
    }

    pub(super) async fn logout(&self) -> Result<Value, Failed> {
        self.client.logout().await?;
        self.forget_all();
        Ok(json!({}))
    }

    pub(super) async fn whoami(&self) -> Result<Value, Failed> {
        Ok(forms::account(&self.client.whoami().await?))
    }

    pub(super) async fn passwd(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (old, new) = (params.text("old")?, params.text("new")?);
        self.client.change_password(old, new).await?;
        Ok(json!({}))
    }

    pub(super) async fn delete_account(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (password, purge) = (params.text("password")?, params.flag("purge")?);
        self.client.delete_account(password, purge).await?;
        self.forget_all();
        Ok(json!({}))
    }

    pub(super) async fn accounts(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (matching, page) = (params.optional_text("match")?, params.page()?);
        let page = self.client.accounts(matching, page.after, page.limit).await?;
        Ok(list("accounts", &page, forms::account_row))
    }

    pub(super) async fn devices(&self) -> Result<Value, Failed> {
        let devices = self.client.devices().await?;
        let own = self.client.device();
        Ok(rows("devices", devices.iter().map(|row| forms::device(row, own)), None))
    }

    /// An id may be shortened here too.
    pub(super) async fn revoke_device(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let id = params.text("id")?;
        let id = device::find(&self.client.devices().await?, id)?;
        self.client.revoke_device(id).await?;
        if id == self.client.device() {
            self.forget_all();
        }
        Ok(json!({"id": id.to_string()}))
    }

    pub(super) async fn create_bot(&self, params: &Params<'_>) -> Result<Value, Failed> {
        Ok(token(&self.client.create_bot(params.text("user")?).await?))
    }

    pub(super) async fn bots(&self) -> Result<Value, Failed> {
        let bots = self.client.bots().await?;
        Ok(rows("bots", bots.iter().map(forms::account_row), None))
    }

    pub(super) async fn renew_bot_token(&self, params: &Params<'_>) -> Result<Value, Failed> {
        Ok(token(&self.client.renew_bot_token(&params.user_name()?).await?))
    }

    pub(super) async fn delete_bot(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (user, purge) = (params.user_name()?, params.flag("purge")?);
        self.client.delete_bot(&user, purge).await?;
        Ok(json!({"user": user.as_str()}))
    }

    pub(super) async fn set_presence(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let away = params.optional_flag("away")?;
        self.client
            .set_away(away.ok_or_else(|| Failed::Params("away is missing".to_owned()))?);
        Ok(json!({}))
    }
}

fn token(bot: &BotToken) -> Value {
    json!({"user": bot.user.as_str(), "token": bot.token})
}
