//! The paths that a source file names, in `use` lines and anywhere else, with those of its own crate made absolute.

use crate::token::{Kind, Token};

/// A path that a file names: `["crate", "store", "Reader"]` or `["redb", "Database"]`. A glob ends with `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// All of them. `module` is where in its crate the file is; `[]` for the root.
pub(crate) fn references(tokens: &[Token], module: &[String]) -> Vec<Reference> {
    let mut walk = Walk {
        tokens,
        at: 0,
        depth: 0,
        module: module.to_vec(),
        inner: Vec::new(),
        found: Vec::new(),
    };
    walk.run();
    walk.found
}

/// Modules of this file that are in files of another name: `#[path = "FILE"] mod NAME;`.
pub(crate) fn renamed_modules(tokens: &[Token]) -> Vec<(String, String)> {
    let is_path = |token: &Token| token.word() == Some("path");
    let renamed = tokens.windows(6).filter_map(|window| match window {
        [path, equals, file, close, keyword, name]
            if is_path(path) && equals.is('=') && close.is(']') && keyword.word() == Some("mod") =>
        {
            Some((file.text()?.to_owned(), name.word()?.to_owned()))
        }
        _ => None,
    });
    renamed.collect()
}

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    module: Vec<String>,
    /// The depths outside of the inline modules that are open.
    inner: Vec<usize>,
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn run(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Mark('{') => self.depth += 1,
                Kind::Mark('}') => self.close(),
                Kind::Word(word) if word == "mod" => self.open_module(),
                Kind::Word(word) if word == "use" && !self.next_is('<') => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                Kind::Word(word) if word == "extern" && self.word_at(self.at + 1) == Some("crate") => {
                    let name = self.word_at(self.at + 2).unwrap_or_default().to_owned();
                    self.note(token.line, vec![name]);
                }
                Kind::Word(_) if self.begins_path() => self.path(),
                _ => {}
            }
            self.at += 1;
        }
    }

    fn word_at(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).and_then(Token::word)
    }

    fn sep_at(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_sep)
    }

    fn next_is(&self, mark: char) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|token| token.is(mark))
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.inner.last() == Some(&self.depth) {
            self.inner.pop();
            self.module.pop();
        }
    }

    fn open_module(&mut self) {
        let braced = self.tokens.get(self.at + 2).is_some_and(|token| token.is('{'));
        if let (Some(name), true) = (self.word_at(self.at + 1), braced) {
            self.module.push(name.to_owned());
            self.inner.push(self.depth);
        }
    }

    /// At a word with `::` behind it and no path before it. (`::name` at the beginning of a path is one.)
    fn begins_path(&self) -> bool {
        let Some(before) = self.at.checked_sub(1) else {
            return self.sep_at(self.at + 1);
        };
        let goes_on = self.sep_at(before)
            && before
                .checked_sub(1)
                .is_some_and(|at| self.tokens[at].word().is_some() || self.tokens[at].is('>'));
        self.sep_at(self.at + 1) && !goes_on && !self.tokens[before].is('.')
    }

    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.word_at(self.at).unwrap_or_default().to_owned()];
        while self.sep_at(self.at + 1) {
            let Some(word) = self.word_at(self.at + 2) else { break };
            path.push(word.to_owned());
            self.at += 2;
        }
        self.note(line, path);
    }

    /// A tree of `use`, from its first token to the one before what ends it.
    fn use_tree(&mut self, before: &[String]) {
        let mut path = before.to_vec();
        let mut line = self.tokens.get(self.at).map_or(0, |token| token.line);
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Word(word) if word == "as" => self.at += 1,
                Kind::Word(word) => {
                    line = token.line;
                    path.push(word.clone());
                }
                Kind::Mark('*') => {
                    line = token.line;
                    path.push("*".to_owned());
                }
                Kind::PathSep => {}
                Kind::Mark('{') => {
                    self.at += 1;
                    while self.tokens.get(self.at).is_some_and(|token| !token.is('}')) {
                        self.use_tree(&path);
                        if self.tokens.get(self.at).is_some_and(|token| token.is(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => break,
            }
            self.at += 1;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        self.note(line, path);
    }

    fn note(&mut self, line: usize, path: Vec<String>) {
        let rest = |skip: usize| path.iter().skip(skip).cloned();
        let supers = path.iter().take_while(|part| *part == "super").count();
        let from = |module: &[String], skip| {
            let own = std::iter::once("crate".to_owned()).chain(module.iter().cloned());
            own.chain(rest(skip)).collect()
        };
        let absolute = match path.first().map(String::as_str) {
            None => return,
            Some("self") => {
                let supers = path.iter().skip(1).take_while(|part| *part == "super").count();
                from(&self.module[..self.module.len().saturating_sub(supers)], 1 + supers)
            }
            Some("super") => from(&self.module[..self.module.len().saturating_sub(supers)], supers),
            Some(_) => path,
        };
        self.found.push(Reference { line, path: absolute });
    }
}

#[cfg(test)]
mod tests {
    use super::{references, renamed_modules};
    use crate::token::tokens;

    fn found(source: &str) -> Vec<String> {
        let module = ["store".to_owned(), "log".to_owned()];
        let found = references(&tokens(source), &module);
        found
            .iter()
            .map(|found| format!("{}:{}", found.line, found.path.join("::")))
            .collect()
    }

    #[test]
    fn use_trees_are_taken_apart() {
        let source = "use a::{b::c, d::{self, e as f}, *};\nuse crate::{\n g, h::i};";
        let expected = [
            "1:a::b::c",
            "1:a::d",
            "1:a::d::e",
            "1:a::*",
            "3:crate::g",
            "3:crate::h::i",
        ];
        assert_eq!(found(source), expected);
    }

    #[test]
    fn supers_are_counted_through_inline_modules() {
        let source =
            "use super::x;\nmod inner { use super::super::y; fn f() { super::z::g() } }\nuse self::super::super::s;";
        let expected = [
            "1:crate::store::x",
            "2:crate::store::y",
            "2:crate::store::log::z::g",
            "3:crate::s",
        ];
        assert_eq!(found(source), expected);
    }

    #[test]
    fn paths_in_code_are_found_once_and_by_their_heads() {
        let source = "fn f() -> a::B { ::c::d(); x.e::<u8>(); <T as g::H>::i(); $crate::j!() }";
        assert_eq!(found(source), ["1:a::B", "1:c::d", "1:g::H", "1:crate::j"]);
    }

    #[test]
    fn a_module_in_a_file_of_another_name_is_known() {
        let source = "#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;";
        assert_eq!(
            renamed_modules(&tokens(source)),
            [("x_tests.rs".to_owned(), "tests".to_owned())]
        );
    }
}
