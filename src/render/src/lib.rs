//! Reports as HTML, PDF, XLSX and Markdown.
