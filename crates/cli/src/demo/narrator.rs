//! What the demo says: whole sentences for everybody, numbers for reviewers, colours only where a terminal is.

use std::io::{self, IsTerminal as _, Write};

/// Who is spoken to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A clinician.
    Everybody,
    /// A reviewer: sizes, epochs, public ids too (`--bytes`).
    Reviewer,
}

/// Whether text is coloured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// A terminal, and NO_COLOR is not set.
    Colour,
    /// Everything else.
    Plain,
}

impl Ink {
    /// As standard output and the environment say. NO_COLOR counts if it is set and not empty (no-color.org).
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stdout().is_terminal() && !unwanted { Self::Colour } else { Self::Plain }
    }
}

/// Writes the story.
pub struct Narrator<W: Write = io::Stdout> {
    out: W,
    audience: Audience,
    ink: Ink,
}

impl<W: Write> Narrator<W> {
    /// Tells to `audience` on `out`.
    pub const fn new(out: W, audience: Audience, ink: Ink) -> Self {
        Self { out, audience, ink }
    }

    /// A new part of the story.
    pub fn chapter(&mut self, title: &str) -> io::Result<()> {
        let title = self.painted("1;36", title);
        writeln!(self.out, "\n{title}")
    }

    /// Something happened.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.paragraph("  ", text, None)
    }

    /// Something was tried and refused, as it must be.
    pub fn refused(&mut self, text: &str, error: &str) -> io::Result<()> {
        self.paragraph("  ✗ ", &format!("{text} Refused: {error}."), Some("33"))
    }

    /// Something was checked and is right.
    pub fn good(&mut self, text: &str) -> io::Result<()> {
        self.paragraph("  ✓ ", text, Some("32"))
    }

    /// For reviewers only. Never a secret, and not a part of one.
    pub fn bytes(&mut self, text: &str) -> io::Result<()> {
        match self.audience {
            Audience::Everybody => Ok(()),
            Audience::Reviewer => {
                let text = self.painted("2", text);
                writeln!(self.out, "      {text}")
            }
        }
    }

    /// Columns under their heads; numbers stand right.
    pub fn table<const N: usize>(&mut self, heads: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain(heads.get(column).map(|head| head.chars().count())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..N).map(width).collect();
        let head = self.painted("1", &line(&heads.map(str::to_owned), &widths));
        writeln!(self.out, "  {head}")?;
        rows.iter().try_for_each(|row| writeln!(self.out, "  {}", line(row, &widths)))
    }

    /// One line as it is.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn paragraph(&mut self, mark: &str, text: &str, colour: Option<&str>) -> io::Result<()> {
        let indent = " ".repeat(mark.chars().count());
        let painted = colour.map_or_else(|| mark.to_owned(), |colour| self.painted(colour, mark));
        for (index, line) in wrapped(text, LINE.saturating_sub(indent.len())).iter().enumerate() {
            writeln!(self.out, "{}{line}", if index == 0 { &painted } else { &indent })?;
        }
        Ok(())
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.ink {
            Ink::Colour => format!("\x1b[{colour}m{text}\x1b[0m"),
            Ink::Plain => text.to_owned(),
        }
    }
}

/// Numbers to the right, everything else to the left.
fn line(cells: &[String], widths: &[usize]) -> String {
    let aligned = cells.iter().zip(widths).map(|(cell, width)| {
        let number = cell.starts_with(|first: char| first.is_ascii_digit());
        if number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    aligned.collect::<Vec<_>>().join("   ").trim_end().to_owned()
}

/// `text` in lines of at most `width` characters, broken at spaces; a longer word stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    text.split(' ').fold(vec![String::new()], |mut lines, word| {
        if let Some(last) = lines.last_mut() {
            let length = last.chars().count().saturating_add(word.chars().count());
            if last.is_empty() || length < width {
                let gap = if last.is_empty() { "" } else { " " };
                last.push_str(gap);
                last.push_str(word);
                return lines;
            }
        }
        lines.push(word.to_owned());
        lines
    })
}

/// A number with a space before each group of three digits, at which no line is broken.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("\u{a0}")
}

/// Characters of a line.
const LINE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(audience: Audience, ink: Ink) -> String {
        let mut out = Vec::new();
        let mut narrator = Narrator::new(&mut out, audience, ink);
        narrator.chapter("A title").unwrap();
        narrator.bytes("sid 00").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_are_for_reviewers_and_colours_for_terminals() {
        assert_eq!(told(Audience::Everybody, Ink::Plain), "\nA title\n");
        assert_eq!(told(Audience::Reviewer, Ink::Plain), "\nA title\n      sid 00\n");
        assert!(told(Audience::Everybody, Ink::Colour).contains("\x1b[1;36mA title\x1b[0m"));
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("a-long-word b", 4), ["a-long-word", "b"]);
        assert_eq!([grouped(7), grouped(1_234), grouped(1_000_000)], ["7", "1\u{a0}234", "1\u{a0}000\u{a0}000"]);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = Vec::new();
        let mut narrator = Narrator::new(&mut out, Audience::Everybody, Ink::Plain);
        narrator.table(["who", "bytes"], &[["a phone".to_owned(), "12".to_owned()]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  who       bytes\n  a phone      12\n");
    }
}
