//! Turns one source (a file, the environment, the flags) into assignments to keys; what is no key becomes a fault.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Place};
use super::flags::Flags;
use super::key::{self, KEYS, Key};
use super::suggest::nearest;
use super::value::{Scalar, Value};

/// Variables that begin so and have [`ENV_SEPARATOR`] set keys.
pub(super) const ENV_PREFIX: &str = "CHATD_";
const ENV_SEPARATOR: &str = "__";

/// A value for a key.
pub(super) struct Assignment {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What a source says.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) assignments: Vec<Assignment>,
    pub(super) faults: Vec<Fault>,
}

impl Layer {
    /// Out of the text of a file at `path`. After a fault in the syntax it goes on as well as it can.
    pub(super) fn of_file(path: &Path, base: &Path, text: &str) -> Self {
        let mut layer = Self::default();
        let place = |offset: usize| Place::File {
            path: path.to_owned(),
            line: Some(line_of(text, offset)),
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(text.len(), |span| span.start);
            layer.fault(place(offset), error.message().to_owned(), None);
        }
        let broken: Vec<Place> = layer.faults.iter().map(|fault| fault.place.clone()).collect();

        for (section, content) in document.get_ref() {
            let section_place = place(section.span().start);
            let section = section.get_ref().as_ref();
            let DeValue::Table(table) = content.get_ref() else {
                layer.no_section(section_place, section, content.get_ref());
                continue;
            };
            if !key::sections().any(|known| known == section) {
                let suggestion = nearest(section, key::sections()).map(|near| format!("did you mean [{near}]?"));
                layer.fault(section_place, format!("unknown section [{section}]"), suggestion);
                continue;
            }
            for (name, value) in table {
                let scalar = Scalar::of_toml(value.get_ref());
                layer.assign(
                    place(name.span().start),
                    section,
                    name.get_ref(),
                    Value {
                        scalar,
                        base: base.to_owned(),
                    },
                );
            }
        }
        // What the parser made of a line that it could not read is not worth a second complaint.
        layer
            .assignments
            .retain(|assignment| !broken.contains(&assignment.place));
        let is_broken = |fault: &Fault| broken.contains(&fault.place);
        let mut seen = 0;
        layer.faults.retain(|fault| {
            seen += 1;
            seen <= broken.len() || !is_broken(fault)
        });
        layer.faults.sort_by_key(|fault| match fault.place {
            Place::File { line, .. } => line,
            _ => None,
        });
        layer
    }

    /// Out of the variables of an environment.
    pub(super) fn of_env(env: &[(String, String)]) -> Self {
        let mut layer = Self::default();
        for (variable, value) in env {
            let Some(rest) = variable.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            // Without a section it is no key of ours: CHATD_HOME, say, may belong to a script around the daemon.
            let Some((section, name)) = rest.split_once(ENV_SEPARATOR) else {
                continue;
            };
            let value = Value {
                scalar: Scalar::Bare(value.clone()),
                base: Path::new("").to_owned(),
            };
            layer.assign(
                Place::Env(variable.clone()),
                &section.to_lowercase(),
                &name.to_lowercase(),
                value,
            );
        }
        layer
    }

    /// Out of the flags.
    pub(super) fn of_flags(flags: &Flags) -> Self {
        let mut layer = Self::default();
        for (flag, section, name, value) in flags.given() {
            let value = Value {
                scalar: Scalar::Bare(value.to_owned()),
                base: Path::new("").to_owned(),
            };
            layer.assign(Place::Flag(flag), section, name, value);
        }
        layer
    }

    fn assign(&mut self, place: Place, section: &str, name: &str, value: Value) {
        match key::find(section, name) {
            Some(key) => self.assignments.push(Assignment { key, value, place }),
            None => {
                let suggestion = suggest_key(&place, section, name);
                self.fault(place, format!("unknown key {section}.{name}"), suggestion);
            }
        }
    }

    /// Something else stands where a section should be.
    fn no_section(&mut self, place: Place, name: &str, content: &DeValue<'_>) {
        let (message, suggestion) = if key::sections().any(|section| section == name) {
            (
                format!("{name} is a section"),
                Some(format!("write [{name}], and its keys below")),
            )
        } else if matches!(content, DeValue::Array(_)) {
            (format!("unknown section [[{name}]]"), None)
        } else {
            let home = KEYS.iter().find(|key| key.name == name);
            let suggestion = home.map(|key| format!("it belongs below [{}]", key.section));
            (format!("the key {name} is in no section"), suggestion)
        };
        self.fault(place, message, suggestion);
    }

    fn fault(&mut self, place: Place, message: String, suggestion: Option<String>) {
        self.faults.push(Fault {
            place,
            message,
            suggestion,
        });
    }
}

/// The key that was meant: one in the same section, or the same one in another.
fn suggest_key(place: &Place, section: &str, name: &str) -> Option<String> {
    let spell = |key: &Key| match place {
        Place::Env(_) => format!("{ENV_PREFIX}{}{ENV_SEPARATOR}{}", key.section, key.name).to_uppercase(),
        _ if key.section == section => key.name.to_owned(),
        _ => format!("{} below [{}]", key.name, key.section),
    };
    let meant = |key: &Key| Some(format!("did you mean {}?", spell(key)));
    let section_meant = nearest(section, key::sections())?;
    let here = KEYS.iter().filter(|key| key.section == section_meant);
    if let Some(near) = nearest(name, here.map(|key| key.name)) {
        return key::find(section_meant, near).and_then(meant);
    }
    KEYS.iter().find(|key| key.name == name).and_then(meant)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
