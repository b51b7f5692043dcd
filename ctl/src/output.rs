//! One answer or one failure to stdout and stderr, in the form that was asked for.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use quorate_adminapi::{ErrorBody, ErrorReply};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{Command, Global, OutputForm, When};
use crate::failure::{Exit, Failure};
use crate::screen::{Screen, View};

/// The schema of the envelope around data.
const SCHEMA: &str = "chatctl/1";
/// Puts the cursor to the top left and wipes what is below.
const CLEAR: &str = "\x1b[H\x1b[2J";
/// Between two screens of what refreshes itself: the second over which its rates are is in it already.
const REFRESH: Duration = Duration::from_millis(100);

/// What a command answers.
pub(crate) struct Answer {
    /// For programs.
    pub(crate) data: Value,
    /// For people, the same.
    pub(crate) screen: Screen,
    /// What an operator should look at: in the envelope, or on stderr.
    pub(crate) warnings: Vec<String>,
    /// What to do next: on stderr, for people only.
    pub(crate) notes: Vec<String>,
    /// In JSON whatever the options say.
    pub(crate) force_json: bool,
    /// On stderr, since stdout was given what was asked for.
    pub(crate) beside_data: bool,
    pub(crate) exit: Exit,
    /// All that was to be said is on stdout already.
    pub(crate) silent: bool,
}

impl Answer {
    /// To a command that has written its data to stdout by itself.
    pub(crate) fn silent() -> Self {
        Self {
            silent: true,
            ..Self::new(&(), Screen::default())
        }
    }

    pub(crate) fn new(data: &impl Serialize, screen: Screen) -> Self {
        let data = serde_json::to_value(data).expect("the shapes of answers are JSON");
        Self {
            data,
            screen,
            warnings: Vec::new(),
            notes: Vec::new(),
            force_json: false,
            beside_data: false,
            exit: Exit::Ok,
            silent: false,
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    schema: &'static str,
    data: &'a Value,
    warnings: &'a [String],
}

/// Where and how answers go.
pub(crate) struct Output {
    form: OutputForm,
    view: View,
    quiet: bool,
    watching: bool,
    terminal: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => !set("NO_COLOR") && (set("CLICOLOR_FORCE") || terminal && !dumb),
        };
        Self {
            form: global.output,
            view: View {
                wide: global.output == OutputForm::Wide,
                headers: !global.no_headers,
                color,
            },
            quiet: global.quiet,
            watching: global.watch.is_some(),
            terminal,
        }
    }

    /// How often the screen of this command refreshes itself without having been asked to; never where there is no screen.
    pub(crate) fn refresh(&self, command: &Command) -> Option<Duration> {
        let refreshes = matches!(command, Command::Top) && self.terminal && !self.is_json();
        refreshes.then_some(REFRESH)
    }

    /// As if it was to be done again and again: one answer after the other, each with an end that can be seen.
    pub(crate) fn watching(&self) -> Self {
        Self {
            watching: true,
            ..*self
        }
    }

    fn is_json(&self) -> bool {
        matches!(self.form, OutputForm::Json | OutputForm::Jsonl)
    }

    /// Prints an answer. Breaks where no more can be printed; the exit code is the answer's unless that is a fault.
    pub(crate) fn answer(&self, answer: &Answer) -> ControlFlow<Exit, Exit> {
        let text = match self.form {
            _ if answer.silent => {
                self.warn(answer);
                String::new()
            }
            OutputForm::Jsonl => {
                self.warn(answer);
                match &answer.data {
                    Value::Array(rows) => rows.iter().map(|row| format!("{row}\n")).collect(),
                    data => format!("{data}\n"),
                }
            }
            OutputForm::Json => self.enveloped(answer),
            _ if answer.force_json => self.enveloped(answer),
            OutputForm::Table | OutputForm::Wide => self.on_screen(answer),
        };
        if answer.beside_data {
            if !self.quiet {
                complain(text.trim_end());
            }
            return ControlFlow::Continue(answer.exit);
        }
        self.print(&text, answer.exit)
    }

    /// Prints one of many: a line in each form.
    pub(crate) fn line(&self, data: &impl Serialize, line: &str) -> ControlFlow<Exit, Exit> {
        let data = serde_json::to_value(data).expect("the shapes of answers are JSON");
        let text = match self.form {
            OutputForm::Table | OutputForm::Wide => format!("{line}\n"),
            OutputForm::Jsonl => format!("{data}\n"),
            OutputForm::Json => self.watching().enveloped(&Answer {
                data,
                ..Answer::new(&(), Screen::default())
            }),
        };
        self.print(&text, Exit::Ok)
    }

    fn print(&self, text: &str, exit: Exit) -> ControlFlow<Exit, Exit> {
        let mut stdout = io::stdout().lock();
        let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match printed {
            Ok(()) => ControlFlow::Continue(exit),
            // Whoever read has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ControlFlow::Break(exit),
            Err(error) => ControlFlow::Break(self.failure(&Failure::of_io(&error, format!("stdout: {error}")))),
        }
    }

    /// Warnings where there is no place for them beside the data.
    fn warn(&self, answer: &Answer) {
        for warning in answer.warnings.iter().filter(|_| !self.quiet) {
            complain(&format!("! {warning}"));
        }
    }

    fn enveloped(&self, answer: &Answer) -> String {
        let envelope = Envelope {
            schema: SCHEMA,
            data: &answer.data,
            warnings: &answer.warnings,
        };
        // While watching one object is one line, so that a reader knows where it ends.
        let text = if self.watching {
            serde_json::to_string(&envelope)
        } else {
            serde_json::to_string_pretty(&envelope)
        };
        text.expect("a JSON value is written as JSON") + "\n"
    }

    fn on_screen(&self, answer: &Answer) -> String {
        let (text, hidden) = answer.screen.render(self.view);
        let hidden = (!hidden.is_empty()).then(|| format!("the terminal is too narrow for {}", hidden.join(", ")));
        let warnings = answer.warnings.iter().map(|warning| format!("! {warning}"));
        let beside: Vec<String> = warnings.chain(answer.notes.iter().cloned()).chain(hidden).collect();
        if self.watching && self.terminal && !self.quiet {
            // On the screen, since the next one wipes what stands beside it.
            let lines: String = beside.iter().map(|line| format!("{line}\n")).collect();
            return format!("{CLEAR}{text}{lines}");
        }
        for line in beside.iter().filter(|_| !self.quiet) {
            complain(line);
        }
        match (self.watching, self.terminal) {
            (true, true) => format!("{CLEAR}{text}"),
            (true, false) => format!("{text}\n"),
            (false, _) => text,
        }
    }

    /// Prints the next part of an answer that goes on.
    pub(crate) fn part(&self, answer: &Answer, is_first: bool) -> ControlFlow<Exit, Exit> {
        let part = Self {
            view: View {
                headers: self.view.headers && is_first,
                ..self.view
            },
            // One object is one line, so that a reader knows where it ends.
            watching: self.is_json(),
            ..*self
        };
        part.answer(answer)
    }

    /// Prints a failure; the exit code is its own.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        complain(&told(&failure.error, self.is_json()));
        failure.exit
    }
}

/// What the parser of the command line has to say: help and version are data, the rest is a failure.
pub(crate) fn usage(told_by_clap: &clap::Error) -> ExitCode {
    if !told_by_clap.use_stderr() {
        // A reader that is gone needs no help.
        let _ = told_by_clap.print();
        return Exit::Ok.into();
    }
    if asks_for_json(std::env::args().skip(1)) {
        let text = told_by_clap.to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        complain(&told(
            &ErrorBody::new("usage", message).with_hint("see chatctl --help"),
            true,
        ));
    } else {
        let _ = told_by_clap.print();
    }
    Exit::Usage.into()
}

/// Whether the arguments that could not be parsed ask for JSON as far as one can see.
fn asks_for_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    let is_json = |value: &str| matches!(value, "json" | "jsonl");
    let apart = args
        .windows(2)
        .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && is_json(&pair[1]));
    let joined = |arg: &String| {
        let value = arg.strip_prefix("--output=").or_else(|| arg.strip_prefix("-o"));
        value.is_some_and(|value| is_json(value.trim_start_matches('=')))
    };
    apart || args.iter().any(joined)
}

fn told(error: &ErrorBody, json: bool) -> String {
    if json {
        return serde_json::to_string(&ErrorReply { error: error.clone() }).expect("texts are JSON");
    }
    let hint = error
        .hint
        .as_ref()
        .map(|hint| format!("\nhint: {hint}"))
        .unwrap_or_default();
    format!("error: {}{hint}", error.message)
}

/// A line on stderr. If nobody reads that either, there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
