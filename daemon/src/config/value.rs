//! One value as it was given, and what it can be read as.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use quorate_adminapi::{DurationError, format_duration, parse_duration};
use toml::de::DeValue;

use super::suggest::nearest;

/// The port in suggestions where none was given.
const EXAMPLE_PORT: u16 = 7400;

/// What is wrong with a value, and what to write instead.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            suggestion: None,
        }
    }

    fn suggest(self, write: impl std::fmt::Display) -> Self {
        Self {
            suggestion: Some(format!("write {write}")),
            ..self
        }
    }
}

/// A value, out of TOML or bare text (a flag's or the environment's, which have no types).
#[derive(Debug)]
pub(super) enum Scalar {
    Text(String),
    Integer(String),
    Bare(String),
    Boolean(bool),
    /// Of a kind that no key has; the word for it.
    Other(&'static str),
}

impl Scalar {
    pub(super) fn of_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            // Other radixes are refused as integers that do not parse: no key is better written in hex.
            DeValue::Integer(integer) => Self::Integer(integer.to_string()),
            DeValue::Float(_) => Self::Other("a float"),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Array(_) => Self::Other("an array"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }
}

/// A value and the directory that relative paths in it are relative to.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) scalar: Scalar,
    pub(super) base: PathBuf,
}

impl Value {
    fn text(&self) -> Result<&str, Problem> {
        match &self.scalar {
            Scalar::Text(text) | Scalar::Bare(text) => Ok(text),
            Scalar::Integer(integer) => {
                Err(Problem::new("must be a text, not an integer").suggest(format_args!("\"{integer}\"")))
            }
            Scalar::Boolean(_) => Err(Problem::new("must be a text, not a boolean")),
            Scalar::Other(kind) => Err(Problem::new(format!("must be a text, not {kind}"))),
        }
    }

    /// On or off.
    pub(super) fn switch(&self) -> Result<bool, Problem> {
        let problem = |given: &str| Problem::new(format!("must be true or false, not {given}"));
        match &self.scalar {
            Scalar::Boolean(value) => Ok(*value),
            Scalar::Bare(text) => text.parse().map_err(|_| problem(&format!("\"{text}\""))),
            Scalar::Text(text) => {
                let problem = problem("a text");
                Err(match text.as_str() {
                    "true" | "on" | "yes" => problem.suggest("true"),
                    "false" | "off" | "no" => problem.suggest("false"),
                    _ => problem,
                })
            }
            Scalar::Integer(_) => Err(problem("an integer")),
            Scalar::Other(kind) => Err(problem(kind)),
        }
    }

    /// `None` for an empty text, where having none is possible.
    pub(super) fn optional<T>(&self, read: impl FnOnce(&Self) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
        match &self.scalar {
            Scalar::Text(text) | Scalar::Bare(text) if text.is_empty() => Ok(None),
            _ => read(self).map(Some),
        }
    }

    pub(super) fn path(&self) -> Result<PathBuf, Problem> {
        match self.text()? {
            "" => Err(Problem::new("must not be empty")),
            text => Ok(self.base.join(text)),
        }
    }

    pub(super) fn count(&self, range: RangeInclusive<u64>) -> Result<u64, Problem> {
        let (least, most) = (*range.start(), *range.end());
        let allowed = format!("a whole number from {least} to {most}");
        let digits = match &self.scalar {
            Scalar::Integer(digits) | Scalar::Bare(digits) => digits,
            Scalar::Text(text) => {
                let problem = Problem::new(format!("must be {allowed}, not a text"));
                return Err(if text.parse::<u64>().is_ok() {
                    problem.suggest(text)
                } else {
                    problem
                });
            }
            Scalar::Boolean(_) => return Err(Problem::new(format!("must be {allowed}, not a boolean"))),
            Scalar::Other(kind) => return Err(Problem::new(format!("must be {allowed}, not {kind}"))),
        };
        let outside = || Problem::new(format!("must be {allowed}, not {digits}"));
        digits
            .replace('_', "")
            .parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(outside)
    }

    pub(super) fn duration(&self, range: &RangeInclusive<Duration>) -> Result<Duration, Problem> {
        if let Scalar::Integer(number) = &self.scalar {
            let problem = Problem::new("must be a text with a unit, not an integer");
            return Err(problem.suggest(format_args!("\"{number}ms\" or \"{number}s\"")));
        }
        let text = self.text()?;
        let duration = parse_duration(text).map_err(|error| {
            let problem = Problem::new(format!("{error}, not \"{text}\""));
            let joined: String = text.split_whitespace().collect();
            match error {
                DurationError::NoUnit => problem.suggest(format_args!("\"{text}ms\" or \"{text}s\"")),
                _ if parse_duration(&joined).is_ok() => problem.suggest(format_args!("\"{joined}\"")),
                _ => problem,
            }
        })?;
        if range.contains(&duration) {
            return Ok(duration);
        }
        let (least, most) = (format_duration(*range.start()), format_duration(*range.end()));
        Err(Problem::new(format!("must be from {least} to {most}, not {text}")))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Result<T, Problem> {
        let names = || words.iter().map(|(name, _)| *name);
        let allowed = names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let text = self
            .text()
            .map_err(|_| Problem::new(format!("must be one of {allowed}")))?;
        words
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| {
                let problem = Problem::new(format!("must be one of {allowed}, not \"{text}\""));
                match nearest(text, names()) {
                    Some(name) => problem.suggest(format_args!("\"{name}\"")),
                    None => problem,
                }
            })
    }

    /// A socket's address: an IP address and a port.
    pub(super) fn socket_addr(&self) -> Result<SocketAddr, Problem> {
        let text = match &self.scalar {
            Scalar::Integer(port) => return Err(listen_problem(port, port)),
            _ => self.text()?,
        };
        text.parse()
            .map_err(|_| listen_problem(text, text.rsplit_once(':').map_or(text, |(_, port)| port)))
    }

    /// Anything that reads itself and tells why it cannot.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T, Problem> {
        let text = self.text()?;
        text.parse()
            .map_err(|error| Problem::new(format!("{error}; not \"{text}\"")))
    }

    /// As [`Value::parsed`], with a guess at what was meant.
    pub(super) fn parsed_near<T, E: std::fmt::Display>(
        &self,
        words: &[&'static str],
        faulty: impl Fn(&E) -> String,
    ) -> Result<T, Problem>
    where
        T: FromStr<Err = E>,
    {
        self.text()?.parse().map_err(|error| {
            let problem = Problem::new(format!("{error}"));
            match nearest(&faulty(&error), words.iter().copied()) {
                Some(word) => problem.suggest(format_args!("\"{word}\"")),
                None => problem,
            }
        })
    }
}

fn listen_problem(given: &str, port: &str) -> Problem {
    let problem = Problem::new(format!("must be an IP address and a port, not \"{given}\""));
    if let Ok(ip) = given.parse::<IpAddr>() {
        return problem.suggest(format_args!(
            "\"{}\", with the port you want",
            SocketAddr::new(ip, EXAMPLE_PORT)
        ));
    }
    if port.parse::<u16>().is_ok() {
        problem.suggest(format_args!("\"[::]:{port}\" for all addresses"))
    } else {
        problem
    }
}
