//! `docs/errors.md` as a page, so that the `type` of a problem document links to its row. Supports
//! the Markdown that the file uses: headings, paragraphs and tables.

use std::collections::HashSet;
use std::fmt::Write;

const ERRORS: &str = include_str!("../../../docs/errors.md");

/// The page.
pub(crate) fn html() -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Errors of Lastcall</title>\n\
         <link rel=\"icon\" href=\"/assets/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/assets/style.css\">\n</head>\n<body class=\"prose\">\n\
         <nav aria-label=\"More\"><a href=\"/\">Live page</a> <a href=\"/docs\">API</a></nav>\n<main>\n",
    );
    let mut in_table = false;
    let mut title = "Errors";
    // A code may occur in both tables: the first has the anchor.
    let mut anchors = HashSet::new();
    for line in ERRORS.lines() {
        let row = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |"));
        if in_table && !line.starts_with('|') {
            page.push_str("</tbody></table></div>\n");
            in_table = false;
        }
        // Writing to a String cannot fail.
        let _ = if let Some(row) = row {
            let opening = if in_table {
                String::new()
            } else {
                format!(
                    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}: table\">\
                     <table><tbody>\n",
                    escape(title)
                )
            };
            in_table = true;
            write!(page, "{opening}{}", table_row(row, &mut anchors))
        } else if let Some(heading) = line.strip_prefix("## ") {
            title = heading;
            writeln!(page, "<h2>{}</h2>", inline(heading))
        } else if let Some(heading) = line.strip_prefix("# ") {
            writeln!(page, "<h1>{}</h1>", inline(heading))
        } else if line.is_empty() || line.starts_with('|') {
            Ok(())
        } else {
            writeln!(page, "<p>{}</p>", inline(line))
        };
    }
    if in_table {
        page.push_str("</tbody></table></div>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn table_row<'a>(row: &'a str, anchors: &mut HashSet<&'a str>) -> String {
    let mut cells = row.split(" | ");
    let first = cells.next().unwrap_or_default();
    let (id, tag) = match first.strip_prefix('`').and_then(|f| f.strip_suffix('`')) {
        Some(code) if anchors.insert(code) => (format!(" id=\"{}\"", escape(code)), "td"),
        Some(_) => (String::new(), "td"),
        None => (String::new(), "th"),
    };
    let cells = std::iter::once(first).chain(cells);
    let cells: String = cells
        .map(|cell| format!("<{tag}>{}</{tag}>", inline(cell)))
        .collect();
    format!("<tr{id}>{cells}</tr>\n")
}

/// Text with its code spans.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str("<code>");
            html.push_str(&escape(piece));
            html.push_str("</code>");
        } else {
            html.push_str(&escape(piece));
        }
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
