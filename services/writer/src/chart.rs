//! Owns the drawing of bars as SVG: labelled axes, values at the bars, readable on light and on dark ground.
//! Never a colour for text and lines of its own: those take the colour of the page.
//! Next: `html` sets it into the page, `files` makes a file of it.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::escape;
use crate::report::Drawn;

pub(crate) const MEDIATYPE: &str = "image/svg+xml";

const WIDTH: u32 = 760;
const BAR_HEIGHT: u32 = 30;
const LABEL_CHARS_MAX: usize = 30;
/// Replaced by the page's own colour.
const INK: RGBColor = RGBColor(1, 2, 3);
/// Stands out from white and from near black.
const FILL: RGBColor = RGBColor(0x3e, 0x7c, 0xb8);
const TEXT: (&str, u32) = ("sans-serif", 16);

/// As an element of a page.
pub(crate) fn svg(chart: &Drawn) -> Result<String, String> {
    let mut drawn = String::new();
    draw(chart, &mut drawn).map_err(|why| format!("the chart {:?} cannot be drawn: {why}", chart.title))?;
    let id = chart.file.trim_end_matches(".svg");
    let texts = format!(
        "<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        xml(&chart.title),
        xml(&told(chart))
    );
    let opened = drawn.split_once('>').map(|(tag, rest)| {
        // Its size is the page's matter: the picture scales by its view box.
        let tag = tag.replacen(
            "<svg",
            &format!("<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\""),
            1,
        );
        format!("{tag}>\n{texts}{}", rest.trim_start())
    });
    let ink = format!("\"#{:02X}{:02X}{:02X}\"", INK.0, INK.1, INK.2);
    opened.map(|svg| svg.replace(&ink, "\"currentColor\"")).ok_or_else(|| "the chart is empty".into())
}

/// As a file that stands by itself.
pub(crate) fn file(chart: &Drawn) -> Result<String, String> {
    const STYLE: &str = "<style>svg.chart{color:#1c1e21;background:#ffffff}\
        @media (prefers-color-scheme:dark){svg.chart{color:#e4e6ea;background:#16181c}}</style>\n";
    let svg = svg(chart)?;
    let (tag, rest) = svg.split_once(">\n").ok_or("the chart is empty")?;
    Ok(format!("{tag}>\n{STYLE}{rest}"))
}

/// The same in words, for who does not see it.
pub(crate) fn told(chart: &Drawn) -> String {
    let bars = chart.bars.iter().map(|bar| format!("{}: {}", bar.label, bar.printed));
    format!("Bar chart. {}.", bars.collect::<Vec<_>>().join("; "))
}

fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape::visible(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn draw(chart: &Drawn, into: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let count = chart.bars.len() as i32;
    let values = || chart.bars.iter().map(|bar| bar.value);
    let (least, most) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let span = if most - least > 0.0 { most - least } else { 1.0 };
    // Room for the value behind its bar.
    let (left, right) = (if least < 0.0 { least - span * 0.22 } else { 0.0 }, most + span * 0.22);
    let height = count as u32 * BAR_HEIGHT + 76;
    let root = SVGBackend::with_string(into, (WIDTH, height)).into_drawing_area();
    let mut context = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(52)
        .y_label_area_size(label_width(chart))
        .build_cartesian_2d(left..right, (0..count - 1).into_segmented())?;
    let label = |at: &SegmentValue<i32>| match at {
        SegmentValue::CenterOf(at) | SegmentValue::Exact(at) => {
            // The first bar stands on top.
            let bar = usize::try_from(count - 1 - *at).ok().and_then(|at| chart.bars.get(at));
            bar.map(|bar| shortened(&bar.label)).unwrap_or_default()
        }
        SegmentValue::Last => String::new(),
    };
    let style = TEXT.into_font().color(&INK);
    context
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.18))
        .axis_style(INK.mix(0.6))
        .x_desc(escape::visible(chart.unit.as_deref().unwrap_or("value")))
        .y_desc(chart.axis.as_deref().map(shortened).unwrap_or_default())
        .axis_desc_style(style.clone())
        .label_style(style.clone())
        .x_labels(6)
        .y_labels(chart.bars.len())
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&label)
        .draw()?;
    let place = |at: usize| count - 1 - at as i32;
    context.draw_series(chart.bars.iter().enumerate().map(|(at, bar)| {
        let end = if at == 0 { SegmentValue::Last } else { SegmentValue::Exact(place(at) + 1) };
        let (from, to) = (SegmentValue::Exact(place(at)), end);
        let mut rectangle = Rectangle::new([(0.0, from), (bar.value, to)], FILL.filled());
        rectangle.set_margin(5, 5, 0, 0);
        rectangle
    }))?;
    context.draw_series(chart.bars.iter().enumerate().map(|(at, bar)| {
        let (side, off) = if bar.value < 0.0 { (HPos::Right, -6) } else { (HPos::Left, 6) };
        let style = style.clone().pos(Pos::new(side, VPos::Center));
        EmptyElement::at((bar.value, SegmentValue::CenterOf(place(at))))
            + Text::new(escape::visible(&bar.printed), (off, 0), style)
    }))?;
    root.present()?;
    drop(context);
    drop(root);
    Ok(())
}

fn label_width(chart: &Drawn) -> u32 {
    let longest = chart.bars.iter().map(|bar| shortened(&bar.label).chars().map(width).sum::<u32>()).max();
    longest.unwrap_or(0).clamp(40, 260) + if chart.axis.is_some() { 44 } else { 20 }
}

/// Of a letter, about: signs of East Asia are twice as wide.
fn width(c: char) -> u32 {
    if u32::from(c) >= 0x1100 { 14 } else { 8 }
}

fn shortened(label: &str) -> String {
    let label = escape::visible(label);
    if label.chars().count() <= LABEL_CHARS_MAX {
        return label;
    }
    let start: String = label.chars().take(LABEL_CHARS_MAX - 1).collect();
    format!("{}…", start.trim_end())
}

fn tick(value: f64) -> String {
    crate::figure::plainly(value)
}
