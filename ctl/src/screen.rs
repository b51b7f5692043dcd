//! Answers for people: lines and tables.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

/// Blank columns between two of a table.
const GAP: u16 = 2;

/// How to show things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// All columns, however wide.
    pub(crate) wide: bool,
    /// Heads of tables, and the lines above them.
    pub(crate) headers: bool,
    pub(crate) color: bool,
}

/// What is shown, from top to bottom.
#[derive(Debug, Default)]
pub(crate) struct Screen(Vec<Block>);

#[derive(Debug)]
enum Block {
    /// Left out with `--no-headers`.
    Heading(String),
    Raw(String),
    Grid(Grid),
}

/// A table.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Text>>,
}

/// The head of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    right: bool,
    shown: Shown,
}

/// When a column is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Always,
    /// Unless the terminal is too narrow; those of the lowest rank go first.
    IfItFits(u8),
    Wide,
}

impl Column {
    pub(crate) const fn left(name: &'static str) -> Self {
        Self {
            name,
            right: false,
            shown: Shown::Always,
        }
    }

    pub(crate) const fn right(name: &'static str) -> Self {
        Self {
            name,
            right: true,
            shown: Shown::Always,
        }
    }

    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self {
            shown: Shown::IfItFits(rank),
            ..self
        }
    }

    pub(crate) const fn wide(self) -> Self {
        Self {
            shown: Shown::Wide,
            ..self
        }
    }
}

/// What stands in a cell.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: String,
    paint: Option<Paint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Good,
    Odd,
    Bad,
    Strong,
}

impl Text {
    pub(crate) fn new(text: impl ToString) -> Self {
        // Names come from operators and from other nodes: none may move the cursor.
        let text = text
            .to_string()
            .chars()
            .map(|char| if char.is_control() { '?' } else { char })
            .collect();
        Self { text, paint: None }
    }

    /// The text as it is shown, unpainted.
    pub(crate) fn shown(self) -> String {
        self.text
    }

    pub(crate) fn or_dash(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Self::new("-"), Self::new)
    }

    pub(crate) fn paint(self, paint: Paint) -> Self {
        Self {
            paint: Some(paint),
            ..self
        }
    }

    fn cell(&self) -> Cell {
        let cell = Cell::new(&self.text);
        match self.paint {
            None => cell,
            Some(Paint::Good) => cell.fg(Color::Green),
            Some(Paint::Odd) => cell.fg(Color::Yellow),
            Some(Paint::Bad) => cell.fg(Color::Red),
            Some(Paint::Strong) => cell.add_attribute(Attribute::Bold),
        }
    }
}

impl Grid {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, row: Vec<Text>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The text of the columns that are shown, and the names of those that did not fit.
    fn render(&self, view: View) -> (String, Vec<&'static str>) {
        let mut shown: Vec<usize> = (0..self.columns.len())
            .filter(|index| view.wide || self.columns[*index].shown != Shown::Wide)
            .collect();
        let mut hidden = Vec::new();
        let mut table = self.table(&shown, view);
        while let Some(width) = Table::new().width().filter(|_| !view.wide) {
            let widths: u16 = table
                .column_max_content_widths()
                .iter()
                .map(|width| width.saturating_add(GAP))
                .sum();
            let least = shown
                .iter()
                .copied()
                .filter_map(|index| match self.columns[index].shown {
                    Shown::IfItFits(rank) => Some((rank, index)),
                    Shown::Always | Shown::Wide => None,
                });
            let Some((_, goes)) = least.min().filter(|_| widths.saturating_sub(GAP) > width) else {
                break;
            };
            shown.retain(|index| *index != goes);
            hidden.push(self.columns[goes].name);
            table = self.table(&shown, view);
        }
        let text = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        (text, hidden)
    }

    fn table(&self, shown: &[usize], view: View) -> Table {
        let mut table = Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.style_text_only();
        if view.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if view.headers {
            table.set_header(shown.iter().map(|index| self.columns[*index].name));
        }
        for row in &self.rows {
            table.add_row(shown.iter().map(|index| row[*index].cell()).collect::<Vec<_>>());
        }
        for (place, index) in shown.iter().enumerate() {
            if let Some(column) = table.column_mut(place) {
                column.set_padding((0, GAP));
                if self.columns[*index].right {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        table
    }
}

impl Screen {
    pub(crate) fn heading(mut self, line: impl Into<String>) -> Self {
        self.0.push(Block::Heading(Text::new(line.into()).text));
        self
    }

    /// Text as it is, with its line feeds.
    pub(crate) fn raw(mut self, text: impl Into<String>) -> Self {
        self.0.push(Block::Raw(text.into()));
        self
    }

    pub(crate) fn grid(mut self, grid: Grid) -> Self {
        self.0.push(Block::Grid(grid));
        self
    }

    /// Names on the left, values on the right.
    pub(crate) fn pairs(self, pairs: impl IntoIterator<Item = (&'static str, Text)>) -> Self {
        let mut grid = Grid::new(&[Column::left("FIELD"), Column::left("VALUE")]);
        for (name, value) in pairs {
            grid.row(vec![Text::new(name), value]);
        }
        self.grid(grid)
    }

    /// The text, and the columns that the terminal is too narrow for.
    pub(crate) fn render(&self, view: View) -> (String, Vec<&'static str>) {
        let (mut text, mut all_hidden) = (String::new(), Vec::new());
        for block in &self.0 {
            match block {
                Block::Heading(_) if !view.headers => {}
                Block::Heading(line) => text.push_str(&format!("{line}\n")),
                Block::Raw(raw) => text.push_str(raw),
                Block::Grid(grid) => {
                    let (rendered, hidden) = grid.render(view);
                    text.push_str(&rendered);
                    all_hidden.extend(hidden);
                }
            }
        }
        (text, all_hidden)
    }
}

/// A number with a comma after every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 918_224, 1_000_000].map(grouped),
            ["0", "999", "1,000", "918,224", "1,000,000"]
        );
    }

    #[test]
    fn what_would_move_the_cursor_is_shown_as_a_question_mark() {
        assert_eq!(Text::new("a\x1b[2Jb\n").text, "a?[2Jb?");
    }
}
