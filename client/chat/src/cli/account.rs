//! Accounts, devices and bots.

use clap::{Args, Subcommand};
use quorate_client::UserName;

use super::PlaceArgs;
use crate::target;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account, and log in
    #[command(after_help = "Examples:
  chat register --server h1:7400,h2:7400 --user alice
  chat register 'chat://h1:7400,h2:7400/?i=Zk3f9' --user alice
  pass show chat | chat register --server h1:7400 --user alice --password-stdin

Where registering asks for an invite, give the LINK that `chatctl invites create` printed.")]
    Register(LoginArgs),
    /// Log this device in, and show what is unread
    #[command(after_help = "Examples:
  chat login --user alice
  chat login --server h1:7400,h2:7400 --user alice
  chat login --profile ci --server h1:7400 --user build-bot --password-stdin < token

A bot logs in with its token where people have a password. The servers are kept: they are given once.")]
    Login(LoginArgs),
    /// Log this device out
    #[command(after_help = "Examples:\n  chat logout\n  chat logout --profile ci")]
    Logout,
    /// Who is logged in here
    #[command(after_help = "Examples:\n  chat whoami\n  chat whoami --json")]
    Whoami,
    /// Change the password
    #[command(after_help = "Examples:
  chat passwd
  printf '%s\\n%s\\n' \"$OLD\" \"$NEW\" | chat passwd --password-stdin

Devices that are logged in stay so; `chat devices --revoke` ends them.")]
    Passwd {
        /// Read the present and the new password from the first two lines of stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// End the account for ever; nobody gets its name again
    #[command(after_help = "Examples:
  chat delete-account
  chat delete-account --purge-messages
  pass show chat | chat delete-account --password-stdin

On a terminal the account's name has to be typed, unless --yes is given, and then the password. With --password-stdin nothing is \
asked: giving the password is the confirmation. Without either nothing happens, and the program ends with 7. \
Messages stay, with their author shown as `deleted`, unless --purge-messages takes their texts away.")]
    DeleteAccount(DeleteAccountArgs),
    /// List the devices that are logged in, or log one out
    #[command(after_help = "Examples:
  chat devices
  chat devices --revoke 3f9a

An id may be shortened as long as it is that of one device only.")]
    Devices(DevicesArgs),
    /// List accounts by name
    #[command(after_help = "Examples:
  chat accounts
  chat accounts --match 'a*'
  chat accounts --match '*-bot' --limit 100 --json
  chat accounts --limit 100 --after YWxpY2U

With --limit, where the next page begins is told on stderr: as `next: CURSOR`, with --json as {\"next\":\"CURSOR\"}; nothing is told \
when there is none.")]
    Accounts(AccountsArgs),
    /// Make and end bots: accounts of programs, which belong to you
    #[command(subcommand)]
    Bots(BotsCommand),
}

#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The name of the account
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Read the password (a bot: its token) from the first line of stdin
    #[arg(long, visible_alias = "token-stdin")]
    pub(crate) password_stdin: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteAccountArgs {
    /// Take the texts of its messages away too
    #[arg(long)]
    pub(crate) purge_messages: bool,
    /// Read the password from the first line of stdin, and ask nothing
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Do not ask for the name to be typed
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// Log this device out; its sessions end on every server
    #[arg(long, value_name = "ID")]
    pub(crate) revoke: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AccountsArgs {
    /// Only names of this form: `*` stands for any characters, `?` for one
    #[arg(long = "match", value_name = "GLOB")]
    pub(crate) matching: Option<String>,
    /// At most so many; all without it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Begin where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BotsCommand {
    /// Make a bot, and print its token: it is not shown again
    #[command(after_help = "Examples:
  chat bots create build-bot > token
  chat --profile ci login --user build-bot --password-stdin < token")]
    Create {
        /// The name of its account
        #[arg(value_parser = target::parse_user)]
        name: UserName,
    },
    /// List your bots
    #[command(after_help = "Examples:\n  chat bots list\n  chat bots list --json")]
    List,
    /// Give a bot another token, and print it; the old one ends, and the bot's sessions with it
    #[command(after_help = "Examples:\n  chat bots token build-bot > token")]
    Token {
        /// Which bot
        #[arg(value_parser = target::parse_user)]
        name: UserName,
    },
    /// End a bot for ever
    #[command(after_help = "Examples:
  chat bots delete build-bot
  chat bots delete build-bot --purge-messages --yes

Its name has to be typed, unless --yes is given. Without a terminal to type it on and without --yes nothing happens, and the \
program ends with 7.")]
    Delete {
        /// Which bot
        #[arg(value_parser = target::parse_user)]
        name: UserName,
        /// Take the texts of its messages away too
        #[arg(long)]
        purge_messages: bool,
        /// Do not ask for the name to be typed
        #[arg(long, short)]
        yes: bool,
    },
}
