//! The command line as people and scripts type it.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words(line))
}

fn command(line: &str) -> Command {
    parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

/// A command line's words, as a shell makes them, up to what a shell keeps for itself.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '<' | '>') => break,
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words
}

/// The commands that do something, with their names.
fn leaves(command: &clap::Command, name: &str) -> Vec<(String, clap::Command)> {
    if !command.has_subcommands() {
        return vec![(name.to_owned(), command.clone())];
    }
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    below
        .flat_map(|below| leaves(below, &format!("{name} {}", below.get_name())))
        .collect()
}

/// What an example runs of this program: a line may pipe into it.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter_map(|line| match line.strip_prefix("chat ") {
            Some(_) => Some(line.to_owned()),
            None => line.rsplit_once("| chat ").map(|(_, args)| format!("chat {args}")),
        })
        .collect()
}

#[test]
fn the_command_line_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_each_of_them_parses_as_that_command() {
    for (name, command) in leaves(&Cli::command(), "chat") {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{name} has no example");
        let verb = name.rsplit(' ').next().unwrap();
        let mut own = 0;
        for example in examples {
            assert!(parse(&example).is_ok(), "{example}: {}", parse(&example).unwrap_err());
            own += usize::from(words(&example).iter().any(|word| word == verb));
        }
        assert!(own > 0, "no example of {name} is one");
    }
    let help = Cli::command().get_after_help().unwrap().to_string();
    for example in examples(&help) {
        assert!(parse(&example).is_ok(), "{example}");
    }
}

#[test]
fn help_names_every_command_of_the_contract() {
    let names: Vec<_> = leaves(&Cli::command(), "chat")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "register",
        "login",
        "logout",
        "whoami",
        "passwd",
        "delete-account",
        "devices",
        "accounts",
        "rooms",
        "create",
        "join",
        "leave",
        "invite",
        "kick",
        "ban",
        "unban",
        "bans",
        "mute",
        "unmute",
        "role",
        "transfer",
        "archive",
        "unarchive",
        "delete-room",
        "retention",
        "members",
        "topic",
        "send",
        "history",
        "tail",
        "unread",
        "read",
        "mentions",
        "search",
        "edit",
        "delete",
        "react",
        "revisions",
        "export",
        "bots create",
        "bots list",
        "bots token",
        "bots delete",
        "servers",
        "status",
        "rpc",
        "bench post",
        "bench fanout",
        "bench idle",
        "bench login",
        "completions",
        "man",
    ] {
        assert!(names.contains(&format!("chat {name}")), "{name}");
    }
}

#[test]
fn completions_and_man_pages_cover_every_command() {
    let mut script = Vec::new();
    clap_complete::generate(Shell::Bash, &mut Cli::command(), "chat", &mut script);
    let script = String::from_utf8(script).unwrap();
    let dir = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(Cli::command(), &dir).unwrap();
    for (name, _) in leaves(&Cli::command(), "chat") {
        let page = dir.path().join(format!("{}.1", name.replace(' ', "-")));
        assert!(std::fs::read_to_string(page).unwrap().contains("Examples:"), "{name}");
        assert!(script.contains(name.rsplit(' ').next().unwrap()), "{name}");
    }
}

#[test]
fn rooms_users_and_numbers_are_valid_once_they_are_parsed() {
    for line in [
        "chat send 'a room' hi",
        "chat send @ hi",
        "chat join ''",
        "chat kick ops 'b ob'",
        "chat edit ops x hi",
        "chat react ops 1 'a b'",
        "chat delete ops",
        "chat role ops bob king",
        "chat ban ops bob --for soon",
        "chat kick ops bob --reason ''",
        "chat search x --since yesterday",
        "chat retention ops --max-age never",
        "chat retention ops --max-count -1",
        "chat accounts --limit 0",
        "chat search x -n 0",
        "chat history ops --before 1 --after 2",
        "chat bots",
        "chat export ops",
        "chat export",
        "chat export ops f --mine g",
        "chat rpc chat://h:1 --server h:1",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn a_user_stands_for_the_direct_room_where_a_room_may() {
    for line in [
        "chat send @bob hi",
        "chat history @bob",
        "chat tail @bob ops",
        "chat read @bob",
        "chat edit @bob 1 hi",
        "chat delete @bob 1",
        "chat react @bob 1 x",
        "chat revisions @bob 1",
        "chat export @bob -",
        "chat members @bob",
        "chat search x --room @bob",
        "chat invite ops @bob",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn an_export_is_of_a_room_or_of_what_is_mine() {
    let Command::Message(MessageCommand::Export(args)) = command("chat export ops -") else {
        panic!("an export");
    };
    assert!(args.room.is_some() && args.mine.is_none());
    assert_eq!(args.file.unwrap(), PathBuf::from("-"));
    let Command::Message(MessageCommand::Export(args)) = command("chat export --mine me.jsonl") else {
        panic!("an export");
    };
    assert!(args.room.is_none() && args.file.is_none());
    assert_eq!(args.mine.unwrap(), PathBuf::from("me.jsonl"));
}

#[test]
fn a_bound_is_kept_lifted_or_set() {
    let Command::Room(RoomCommand::Retention(args)) = command("chat retention ops --max-age off") else {
        panic!("a retention");
    };
    assert_eq!((args.max_age, args.max_count), (Some(Limit::Off), None));
    let Command::Room(RoomCommand::Retention(args)) = command("chat retention ops --max-count 5") else {
        panic!("a retention");
    };
    assert_eq!((args.max_age, args.max_count), (None, Some(Limit::To(5))));
    let told = parse("chat retention ops --max-age 59s").unwrap_err();
    assert!(
        told.exit_code() == 2 && told.to_string().contains("a minute (1m)"),
        "{told}"
    );
    assert!(parse("chat retention ops --max-age 1m").is_ok());
    assert!(parse("chat ban ops bob --for 99999999d").is_err());
}

#[test]
fn a_token_may_come_over_stdin_as_a_password_does() {
    let Command::Account(AccountCommand::Login(args)) = command("chat login --user ci --token-stdin") else {
        panic!("a login");
    };
    assert!(args.password_stdin);
}

#[test]
fn without_a_command_there_is_help() {
    let error = parse("chat").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
}
