//! Owns the report as one page of HTML: no scripts, nothing loaded from elsewhere, for screen and paper, light and dark.
//! Never a value unescaped: the template escapes all but the charts, which `chart` has escaped.
//! Next: `handler` attaches it to `report.written`.

use contract::documents::page;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value as Shown, context};
use serde_json::Value;

use crate::report::{LimitKind, Report};
use crate::{chart, escape, markdown};

pub(crate) const MEDIATYPE: &str = "text/html; charset=utf-8";

const TEMPLATE: &str = include_str!("templates/report.html");

pub fn html(report: &Report) -> Result<String, String> {
    let mut charts = vec![];
    for drawn in &report.charts {
        charts.push(context! { svg => chart::svg(drawn)?, title => escape::visible(&drawn.title), citations => drawn.citations.clone() });
    }
    let shown = shown(serde_json::to_value(report).map_err(|why| why.to_string())?);
    let labels: Vec<Value> =
        LimitKind::ALL.iter().map(|kind| serde_json::json!({ "kind": kind, "label": kind.label() })).collect();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|why| why.to_string())?);
    environment.add_filter("link", link);
    environment.add_template(page::OPENING_NAME, page::OPENING).map_err(|why| why.to_string())?;
    environment.add_template("report.html", TEMPLATE).map_err(|why| why.to_string())?;
    let template = environment.get_template("report.html").map_err(|why| why.to_string())?;
    let byline = markdown::byline(report);
    let title = escape::visible(&report.title);
    let is_titled = escape::plain(&report.goal) == escape::plain(&report.title);
    template
        .render(
            context! { report => Shown::from(Serde(&shown)), charts, labels => Shown::from(Serde(&labels)), byline, title, is_titled },
        )
        .map_err(|why| format!("{why:#}"))
}

/// Only an address of the web becomes a link.
fn link(address: &str) -> bool {
    let lower = address.get(..8).unwrap_or(address).to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

/// Every text with its hidden characters made visible.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape::visible(&text)),
        Value::Array(all) => all.into_iter().map(shown).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, shown(value))).collect(),
        plain => plain,
    }
}
