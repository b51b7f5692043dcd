//! What people do with accounts, devices and bots.

use quorate_core::{
    BindDevice, ChangePassword, Command, CreateBot, DeleteBot, DeleteUser, RegisterUser, SetBotPassword, UnbindDevice,
    UserId, UserName,
};

use crate::line::Line;

use super::World;
use super::word::{device, invite_key, password, refused, secret, told, user, valid};

impl World {
    pub(super) fn account(&mut self, words: &[&str], line: &Line) -> Option<String> {
        Some(match *words {
            [who, "registers"] => self.register(who, user(who), line),
            [who, "registers", "as", name] => self.register(who, name, line),
            [who, "logs", "in"] => self.log_in(who, user(who), line),
            [who, "logs", "in", "as", name] => self.log_in(who, name, line),
            [who, "logs", "out"] => self.unbind(who, who),
            [who, "unbinds", target] => self.unbind(who, target),
            [who, "gets", "a", "writer"] => {
                self.writers.remove(who);
                self.writer(who)
                    .map_or_else(|refusal| refused(&refusal), |_| "granted".to_owned())
            }
            [who, "changes", "password", old, "to", new] => self.tell(Command::ChangePassword(ChangePassword {
                device: device(who),
                proven: secret(old),
                password: secret(new),
            })),
            [who, "ends", "account"] => self.tell(Command::DeleteUser(DeleteUser {
                device: device(who),
                proven: password(line),
                purge_messages: line.says("purge"),
            })),
            [who, "makes", "bot", name] => self.make_bot(who, &valid(name), line),
            [who, "gives", "bot", name, "token", token] => self.tell(Command::SetBotPassword(SetBotPassword {
                device: device(who),
                bot: valid(name),
                password: secret(token),
            })),
            [who, "ends", "bot", name] => self.tell(Command::DeleteBot(DeleteBot {
                device: device(who),
                bot: valid(name),
                purge_messages: line.says("purge"),
            })),
            _ => return None,
        })
    }

    pub(super) fn tell(&mut self, command: Command) -> String {
        told(&self.apply(command))
    }

    pub(super) fn log_in(&mut self, who: &str, name: &str, line: &Line) -> String {
        let found = self.state.user_record_by_name(&valid(name));
        let command = BindDevice {
            user: found.map_or(UserId(u64::MAX), |(id, _)| id),
            proven: password(line),
            device: device(who),
            device_name: valid("a device"),
        };
        self.tell(Command::BindDevice(command))
    }

    fn register(&mut self, who: &str, name: &str, line: &Line) -> String {
        let name: UserName = valid(name);
        let command = RegisterUser {
            likeness: name.likeness(),
            name,
            password: password(line),
            device: device(who),
            device_name: valid("a device"),
            attempt: u128::from(line.number("attempt").unwrap_or_default()),
            invite: line.options.get("invite").map(|key| invite_key(key)),
        };
        self.tell(Command::RegisterUser(command))
    }

    fn make_bot(&mut self, who: &str, name: &UserName, line: &Line) -> String {
        self.tell(Command::CreateBot(CreateBot {
            device: device(who),
            name: name.clone(),
            likeness: name.likeness(),
            password: password(line),
            attempt: u128::from(line.number("attempt").unwrap_or_default()),
        }))
    }

    fn unbind(&mut self, who: &str, target: &str) -> String {
        self.tell(Command::UnbindDevice(UnbindDevice {
            device: device(who),
            target: device(target),
        }))
    }
}
