//! What `docs/operations.md` says is to be done: shell blocks, the machines that they are for, and cues for the stage.
//!
//! A block of commands has a comment before it that says where they are run, and the text before that says it to readers. Other
//! comments are cues: what happens to machines between two blocks. What is not understood is a fault of the page.

/// A place in the page, from 1.
pub(crate) type LineNo = usize;

/// The page, in its order.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) steps: Vec<(LineNo, Step)>,
    /// The rest, where commands are spoken of: each span of code with its line.
    pub(crate) spans: Vec<(LineNo, String)>,
}

#[derive(Debug)]
pub(crate) enum Step {
    Cue(Cue),
    /// What a config has to say, for the machine h1.
    Config(String),
    Block(Vec<Place>, Vec<CommandLine>),
}

/// What happens to machines.
#[derive(Debug)]
pub(crate) enum Cue {
    /// They have the package and a config, and nothing runs.
    Prepared(Vec<String>),
    /// Their daemons are killed, and the others have noticed.
    Gone(Vec<String>),
    /// Their daemons end by themselves.
    Ended(Vec<String>),
    /// A machine has another name and address from now on.
    Moved(String, String),
    /// All machines are new; these are a cluster, with ids in this order.
    Anew(Vec<String>),
}

/// Where a block is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Machine(String),
    Repository,
}

/// One command, which may have several lines.
#[derive(Debug)]
pub(crate) struct CommandLine {
    pub(crate) line: LineNo,
    pub(crate) text: String,
    pub(crate) expected: Vec<i32>,
}

impl CommandLine {
    fn new(line: LineNo, text: &str) -> Self {
        let comment = text.split_once(" # ").map_or("", |(_, comment)| comment);
        let expected = match comment.split_once("exits with ") {
            None => vec![0],
            Some((_, rest)) => {
                let (code, condition) = rest.split_once([' ', ':', ',']).unwrap_or((rest, ""));
                let code = code
                    .parse()
                    .unwrap_or_else(|_| panic!("line {line}: no exit code: {text}"));
                // What depends on the machine that this is run on may go either way.
                if condition.starts_with("if ") {
                    vec![0, code]
                } else {
                    vec![code]
                }
            }
        };
        Self {
            line,
            text: text.to_owned(),
            expected,
        }
    }

    /// Without its comment.
    pub(crate) fn bare(&self) -> &str {
        self.text
            .split_once(" # ")
            .map_or(self.text.as_str(), |(bare, _)| bare)
            .trim()
    }

    /// For a command that ends with ID: the arguments of the list that has it, such as `bans list` for `bans remove ID`.
    pub(crate) fn listed_by(&self) -> Option<Vec<&str>> {
        let words: Vec<&str> = self.bare().split_whitespace().collect();
        match words.as_slice() {
            ["chatctl", noun @ .., _, "ID"] => Some([noun, &["list"]].concat()),
            _ => None,
        }
    }

    /// Whether it has no end of its own.
    pub(crate) fn follows(&self) -> bool {
        let mut words = self.bare().split_whitespace();
        words.any(|word| word == "-f" || word == "--watch" || word.starts_with("--watch="))
    }
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self {
            steps: Vec::new(),
            spans: Vec::new(),
        };
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        // The text since the last block or empty line that stands before a comment, and what the comment says.
        let mut said = String::new();
        let mut place = None;
        let mut prose: Vec<(LineNo, &str)> = Vec::new();
        while let Some((at, line)) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                page.spans.extend(spans(&std::mem::take(&mut prose)));
                let body: Vec<(LineNo, &str)> = lines
                    .by_ref()
                    .take_while(|(_, line)| !line.trim_start().starts_with("```"))
                    .collect();
                page.block(at, language, place.take(), &body);
            } else if let Some(comment) = line.strip_prefix("<!-- ") {
                let comment = comment
                    .strip_suffix(" -->")
                    .unwrap_or_else(|| panic!("line {at}: a comment has one line"));
                if let Some(given) = page.comment(at, comment) {
                    for machine in &given {
                        assert!(
                            is_said(&said, machine),
                            "line {at}: the text before does not tell readers where: {machine:?} in {said:?}"
                        );
                    }
                    place = Some(given);
                }
            } else {
                assert!(place.is_none() || line.is_empty(), "line {at}: a block was to follow");
                if line.is_empty() {
                    page.spans.extend(spans(&std::mem::take(&mut prose)));
                } else {
                    if prose.is_empty() {
                        said.clear();
                    }
                    said.push_str(line);
                    said.push(' ');
                    prose.push((at, line));
                }
            }
        }
        page.spans.extend(spans(&prose));
        page
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &CommandLine> {
        self.steps.iter().flat_map(|(_, step)| match step {
            Step::Block(_, commands) => commands.as_slice(),
            Step::Cue(_) | Step::Config(_) => &[],
        })
    }

    /// A cue becomes a step; answers the places, if it says where the next block is for.
    fn comment(&mut self, at: LineNo, comment: &str) -> Option<Vec<Place>> {
        let names = |list: &str| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (word, list) = comment.split_once(": ").unwrap_or((comment, ""));
        let cue = match word {
            "config" => return Some(Vec::new()),
            "in the repository" => return Some(vec![Place::Repository]),
            "prepared" => Cue::Prepared(names(list)),
            "gone" => Cue::Gone(names(list)),
            "ended" => Cue::Ended(names(list)),
            "anew" => Cue::Anew(names(list)),
            "moved" => {
                let (from, to) = list
                    .split_once(" to ")
                    .unwrap_or_else(|| panic!("line {at}: moved: hN to hM"));
                Cue::Moved(from.to_owned(), to.to_owned())
            }
            _ => {
                let machines = word
                    .strip_prefix("on ")
                    .unwrap_or_else(|| panic!("line {at}: not known: {comment}"));
                return Some(names(machines).into_iter().map(Place::Machine).collect());
            }
        };
        self.steps.push((at, Step::Cue(cue)));
        None
    }

    fn block(&mut self, at: LineNo, language: &str, place: Option<Vec<Place>>, body: &[(LineNo, &str)]) {
        let step = match (language, place) {
            ("sh", Some(places)) if !places.is_empty() => Step::Block(places, command_lines(body)),
            ("sh", _) => panic!("line {at}: nothing says where these commands are run (<!-- on hN -->)"),
            ("toml", Some(places)) if places.is_empty() => {
                Step::Config(body.iter().map(|(_, line)| format!("{line}\n")).collect())
            }
            ("toml" | "yaml" | "text", None) => return,
            _ => panic!("line {at}: what is to be done with a block of {language:?}?"),
        };
        self.steps.push((at, step));
    }
}

/// Joins what ends with a backslash with what follows.
fn command_lines(body: &[(LineNo, &str)]) -> Vec<CommandLine> {
    let mut commands = Vec::new();
    let mut begun: Option<(LineNo, String)> = None;
    for (at, line) in body {
        let (first, mut text) = begun.take().unwrap_or((*at, String::new()));
        match line.strip_suffix('\\') {
            Some(part) => {
                text.push_str(part);
                begun = Some((first, text));
            }
            None if text.is_empty() && line.trim().is_empty() => {}
            None => {
                text.push_str(line.trim());
                commands.push(CommandLine::new(first, &text));
            }
        }
    }
    assert!(begun.is_none(), "a block ends with a backslash: {begun:?}");
    commands
}

/// What stands between backticks in a paragraph.
fn spans(prose: &[(LineNo, &str)]) -> Vec<(LineNo, String)> {
    let mut found = Vec::new();
    let mut open: Option<(LineNo, String)> = None;
    for (at, line) in prose {
        for (part_no, part) in line.split('`').enumerate() {
            if part_no > 0 {
                match open.take() {
                    Some(span) => found.push(span),
                    None => open = Some((*at, String::new())),
                }
            }
            if let Some((_, text)) = &mut open {
                text.push_str(part);
            }
        }
        if let Some((_, text)) = &mut open {
            text.push(' ');
        }
    }
    assert!(open.is_none(), "a backtick has no other: {open:?}");
    found
}

/// A machine by its name, or the repository.
fn is_said(text: &str, place: &Place) -> bool {
    match place {
        Place::Repository => text.contains("repository"),
        Place::Machine(name) => text
            .split(|letter: char| !letter.is_alphanumeric())
            .any(|word| word == name),
    }
}
