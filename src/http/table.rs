//! Pages and tables of the operations listener: plain HTML, nothing loaded, nothing run, every text escaped.

use std::fmt::Write as _;

/// A page that loads nothing and runs nothing.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:80em}}\
         table{{border-collapse:collapse;margin:0 0 2em}}\
         th,td{{text-align:left;padding:.2em 1.5em .2em 0;border-bottom:1px solid #ddd}}\
         td.n{{text-align:right;font-variant-numeric:tabular-nums}}\
         .bad{{color:#a00;font-weight:bold}}</style></head><body>{body}</body></html>\n",
        escape(title)
    )
}

/// A line of a name and a number; `bad` ones are marked.
pub(super) fn one(what: &str, n: u64, bad: bool) -> String {
    row(&[what.to_owned(), n.to_string()], bad)
}

/// A line of a table; `bad` ones are marked.
pub(super) fn row(cells: &[String], bad: bool) -> String {
    let class = if bad { " class=\"bad\"" } else { "" };
    let mut out = format!("<tr{class}>");
    for (i, cell) in cells.iter().enumerate() {
        let tag = if i == 0 { "<td>" } else { "<td class=\"n\">" };
        write!(out, "{tag}{}</td>", escape(cell)).expect("a string takes any text");
    }
    out + "</tr>"
}

/// A table under its title.
pub(super) fn table(out: &mut String, title: &str, heads: &[&str], rows: &[String]) {
    let heads: String = heads
        .iter()
        .map(|head| format!("<th>{}</th>", escape(head)))
        .collect();
    let title = escape(title);
    write!(
        out,
        "<h2>{title}</h2><table><tr>{heads}</tr>{}</table>",
        rows.concat()
    )
    .expect("a string takes any text");
}

/// A table, or in one word that there is nothing in it.
pub(super) fn list(out: &mut String, title: &str, heads: &[&str], rows: &[String], nothing: &str) {
    if rows.is_empty() {
        let (title, nothing) = (escape(title), escape(nothing));
        write!(out, "<h2>{title}</h2><p>{nothing}</p>").expect("a string takes any text");
        return;
    }
    table(out, title, heads, rows);
}

/// Makes a text harmless between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
