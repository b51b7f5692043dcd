//! Rust source as words and marks, without comments: as much of a lexer as it takes to find paths.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of source and the line that it begins on, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word(String),
    /// What a string literal holds, escapes as they are written.
    Text(String),
    /// `::`
    PathSep,
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    pub(crate) fn is_sep(&self) -> bool {
        self.kind == Kind::PathSep
    }
}

pub(crate) fn tokens(source: &str) -> Vec<Token> {
    Lexer {
        chars: source.chars().peekable(),
        line: 1,
    }
    .run()
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.next() {
            let line = self.line;
            let kind = match first {
                '/' if self.peek() == Some('/') => {
                    self.take_while(|each| each != '\n');
                    continue;
                }
                '/' if self.peek() == Some('*') => {
                    self.skip_block_comment();
                    continue;
                }
                '"' => Kind::Text(self.string()),
                '\'' => {
                    self.skip_char_or_lifetime();
                    continue;
                }
                ':' if self.peek() == Some(':') => {
                    self.next();
                    Kind::PathSep
                }
                _ if is_word(first) => self.word_or_string(first),
                _ if first.is_whitespace() => continue,
                mark => Kind::Mark(mark),
            };
            tokens.push(Token { line, kind });
        }
        tokens
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(each) = self.peek().filter(|each| wanted(*each)) {
            taken.push(each);
            self.next();
        }
        taken
    }

    fn skip_block_comment(&mut self) {
        let (mut depth, mut last) = (0_usize, '/');
        while let Some(each) = self.next() {
            match (last, each) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = each;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
            last = ' ';
        }
    }

    /// Behind the opening quote.
    fn string(&mut self) -> String {
        let mut text = String::new();
        while let Some(each) = self.next() {
            match each {
                '"' => break,
                '\\' => {
                    text.push(each);
                    text.extend(self.next());
                }
                _ => text.push(each),
            }
        }
        text
    }

    /// Behind the opening quote of `r##"..."##`.
    fn raw_string(&mut self, hashes: usize) -> String {
        let mut text = String::new();
        while let Some(each) = self.next() {
            if each == '"' {
                let closing = self.chars.clone().take_while(|each| *each == '#').count();
                if closing >= hashes {
                    for _ in 0..hashes {
                        self.next();
                    }
                    break;
                }
            }
            text.push(each);
        }
        text
    }

    /// A word, unless it is the prefix of a string or of a raw identifier.
    fn word_or_string(&mut self, first: char) -> Kind {
        let mut word = String::from(first);
        word.push_str(&self.take_while(is_word));
        match (word.as_str(), self.peek()) {
            ("b" | "c", Some('"')) => {
                self.next();
                Kind::Text(self.string())
            }
            ("r" | "br" | "cr", Some('"' | '#')) => {
                let hashes = self.take_while(|each| each == '#').len();
                if self.peek() == Some('"') {
                    self.next();
                    Kind::Text(self.raw_string(hashes))
                } else {
                    Kind::Word(self.take_while(is_word))
                }
            }
            _ => Kind::Word(word),
        }
    }

    /// Behind the quote: `'a'`, `'\n'` or `'static`.
    fn skip_char_or_lifetime(&mut self) {
        let mut ahead = self.chars.clone();
        let (first, second) = (ahead.next(), ahead.next());
        if first == Some('\\') {
            self.next();
            self.next();
            self.take_while(|each| each != '\'');
            self.next();
        } else if second == Some('\'') {
            self.next();
            self.next();
        } else {
            self.take_while(is_word);
        }
    }
}

fn is_word(each: char) -> bool {
    each.is_alphanumeric() || each == '_'
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(source: &str) -> Vec<String> {
        let words = tokens(source)
            .into_iter()
            .filter_map(|token| token.word().map(str::to_owned));
        words.collect()
    }

    #[test]
    fn comments_strings_and_characters_hide_what_is_in_them() {
        let source = r####"a // b
            /* c /* d */ e */ f "g \" h" r#"i " j"# b"k" 'l' '\'' '"' m<'n> r#o"####;
        assert_eq!(words(source), ["a", "f", "m", "o"]);
    }

    #[test]
    fn lines_are_counted_in_comments_and_strings_too() {
        let source = "/*\n*/ \"\n\" a\nb";
        let lines: Vec<usize> = tokens(source).iter().map(|token| token.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}
