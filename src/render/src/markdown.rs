//! Markdown with GitHub tables. Text of the data cannot form markup or HTML.

use std::fmt::Write as _;

use lastcall_domain::Cancel;

use crate::chart::{Chart, Plain};
use crate::document::{AlertGroup, AlertLine, Block, Card, Document, Fact, Table, Text};
use crate::error::RenderError;

/// Writes the document.
///
/// # Errors
/// [`RenderError::Cancelled`] between two sections.
pub(crate) fn markdown(doc: &Document, cancel: &Cancel) -> Result<Vec<u8>, RenderError> {
    let mut out = String::new();
    let _ = writeln!(out, "# {}: {}\n", doc.kind, full(&doc.title));
    if !doc.subtitle.is_empty() {
        let _ = writeln!(out, "{}\n", escape(&doc.subtitle));
    }
    for section in &doc.sections {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let mut blocks = String::new();
        for block in &section.blocks {
            write_block(&mut blocks, block);
        }
        // Drawings alone leave nothing.
        if !blocks.is_empty() {
            let _ = write!(out, "## {}\n\n{blocks}", escape(&section.title));
        }
    }
    if !doc.provenance.is_empty() {
        out.push_str("## Provenance\n\n");
        write_facts(&mut out, &doc.provenance);
    }
    if !doc.notes.is_empty() {
        out.push_str("## Accuracy\n\n");
        for note in &doc.notes {
            let _ = writeln!(out, "- {}", escape(note));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "---\n\nGenerated {} by {}", doc.created, doc.generator);
    Ok(out.into_bytes())
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Tiles { tiles } => write_facts(out, tiles),
        Block::Alerts { alerts } => {
            for alert in alerts {
                write_alert(out, alert, true);
            }
            out.push('\n');
        }
        Block::AlertGroups { groups } => {
            groups.iter().for_each(|group| write_group(out, group));
            out.push('\n');
        }
        Block::Text { text } => {
            let _ = writeln!(out, "{}\n", escape(text));
        }
        Block::Code { text } => write_code(out, text),
        Block::Table(table) => write_table(out, table),
        Block::Chart(chart) => write_chart(out, chart),
        Block::Charts { charts } => charts.iter().for_each(|chart| write_chart(out, chart)),
        Block::Card(card) => write_card(out, card),
    }
}

fn write_card(out: &mut String, card: &Card) {
    let _ = writeln!(out, "### {} ({})\n", full(&card.name), card.kind);
    for alert in &card.tags {
        write_alert(out, alert, false);
    }
    if !card.tags.is_empty() {
        out.push('\n');
    }
    let facts: Vec<Fact> = card.groups.iter().flatten().cloned().collect();
    write_facts(out, &facts);
    for chart in &card.charts {
        write_chart(out, chart);
    }
}

fn write_alert(out: &mut String, alert: &AlertLine, named: bool) {
    let _ = write!(out, "- **{}** ", alert.title);
    if named {
        let _ = write!(out, "{}: ", full(&alert.column));
    }
    let _ = writeln!(out, "{}", escape(&alert.detail));
}

/// The alerts of a kind: a line with their count, then a line each.
fn write_group(out: &mut String, group: &AlertGroup) {
    let _ = write!(out, "- **{}**", group.title);
    if let ([only], 0) = (group.items.as_slice(), group.more) {
        let colon = if only.column.short.is_empty() {
            ""
        } else {
            ":"
        };
        let _ = writeln!(
            out,
            " {}{colon} {}",
            full(&only.column),
            escape(&only.detail)
        );
        return;
    }
    let _ = writeln!(out, ": {}", group.count);
    for item in &group.items {
        let _ = writeln!(out, "  - {}: {}", full(&item.column), escape(&item.detail));
    }
    if group.more > 0 {
        let _ = writeln!(out, "  - and {} more", crate::number::count(group.more));
    }
}

fn write_facts(out: &mut String, facts: &[Fact]) {
    out.push_str("| Statistic | Value |\n| --- | ---: |\n");
    for fact in facts {
        let _ = write!(out, "| {} | {}", escape(&fact.label), escape(&fact.value));
        if !fact.more.is_empty() {
            let _ = write!(out, " ({})", escape(&fact.more));
        }
        out.push_str(" |\n");
    }
    out.push('\n');
}

fn write_table(out: &mut String, table: &Table) {
    if !table.caption.is_empty() {
        let _ = writeln!(out, "{}:\n", escape(&table.caption));
    }
    for column in &table.columns {
        let _ = write!(out, "| {}", full(&column.title));
        if !column.note.is_empty() {
            let _ = write!(out, " ({})", escape(&column.note));
        }
        out.push(' ');
    }
    out.push_str("|\n");
    for column in &table.columns {
        out.push_str(if column.figures { "| ---: " } else { "| --- " });
    }
    out.push_str("|\n");
    for row in &table.rows {
        for cell in row {
            let _ = write!(out, "| {} ", full(cell));
        }
        out.push_str("|\n");
    }
    out.push('\n');
}

fn write_chart(out: &mut String, chart: &Chart) {
    match &chart.plain {
        Plain::Nothing => {}
        Plain::Line(line) => {
            let _ = writeln!(out, "{}: {}\n", escape(&chart.caption), escape(line));
        }
        Plain::Table { head, rows } => {
            let _ = writeln!(out, "{}:\n", escape(&chart.caption));
            let [first, second] = head;
            let _ = writeln!(
                out,
                "| {} | {} |\n| --- | ---: |",
                escape(first),
                escape(second)
            );
            for (label, figure) in rows {
                let _ = writeln!(out, "| {} | {} |", escape(label), escape(figure));
            }
            out.push('\n');
        }
    }
}

/// A fenced block whose fence is longer than any run of backticks in it.
fn write_code(out: &mut String, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}\n{text}\n{fence}\n");
}

/// The full text, as Markdown has no tooltips.
fn full(text: &Text) -> String {
    escape(if text.full.is_empty() {
        &text.short
    } else {
        &text.full
    })
}

/// Escapes every character with a meaning in Markdown. An underscore within a word has none, and
/// is frequent in column names.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            '_' if word(before) && word(chars.peek().copied()) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // At the start of a line, these begin a list, a rule or a heading.
            '-' | '+' | '='
                if before.is_none() && !chars.peek().is_some_and(char::is_ascii_digit) =>
            {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_no_markup() {
        assert_eq!(escape("a|b"), "a\\|b");
        assert_eq!(escape("bill_length_mm"), "bill_length_mm");
        assert_eq!(escape("_x_ **y**"), "\\_x\\_ \\*\\*y\\*\\*");
        assert_eq!(escape("<script>&"), "&lt;script&gt;&amp;");
        assert_eq!(escape("- [x](y)"), "\\- \\[x\\](y)");
        assert_eq!(escape("-3.5"), "-3.5");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let mut out = String::new();
        write_code(&mut out, "select '````'");
        assert!(out.starts_with("`````\n"));
    }
}
