//! Owns the plots: bars of medians with the spread of their samples, as SVG that is readable on light and on dark ground.
//! Never a plot of unlike things: one unit, one group, and more than one row.
//! Next: `table` names them, `bin/bench-figures` writes them.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::{Row, quantile, shown};

const WIDTH: u32 = 860;
const ROW_HEIGHT: u32 = 30;
const LETTER: u32 = 8;
const LABEL_MAX: usize = 46;
/// Replaced by the colour of whatever page shows it.
const INK: RGBColor = RGBColor(1, 2, 3);
/// Stands out from white and from near black.
const FILL: RGBColor = RGBColor(0x3e, 0x7c, 0xb8);
const TEXT: (&str, u32) = ("sans-serif", 14);
/// Bars so far apart are drawn by their order of magnitude.
const LINEAR_MAX: f64 = 300.0;
const STYLE: &str = "<style>svg{color:#1c1e21;background:#ffffff}\
    @media (prefers-color-scheme:dark){svg{color:#e4e6ea;background:#16181c}}</style>\n";

/// One plot.
#[derive(Debug)]
pub struct Picture<'a> {
    /// Of the file, without its ending.
    pub name: String,
    pub title: String,
    pub unit: &'a str,
    rows: Vec<&'a Row>,
}

/// One for each unit of which a group has two rows or more.
pub fn pictures<'a>(bench: &str, group: &str, rows: &[&'a Row]) -> Vec<Picture<'a>> {
    let mut units: Vec<&str> = vec![];
    for row in rows {
        if !units.contains(&row.unit.as_str()) {
            units.push(&row.unit);
        }
    }
    let of = |unit: &'a str| {
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| row.unit == unit && row.median().is_finite()).collect();
        let title = [bench, group, unit].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        (rows.len() > 1).then(|| Picture { name: file_name(&title), title, unit, rows })
    };
    units.into_iter().filter_map(of).collect()
}

fn file_name(title: &str) -> String {
    let words = title.replace('%', "percent").replace('$', "dollars").replace('µ', "u").to_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// As a file that stands by itself.
pub fn svg(picture: &Picture<'_>) -> anyhow::Result<String> {
    let mut drawn = String::new();
    draw(picture, &mut drawn).map_err(|why| anyhow::anyhow!("{} cannot be drawn: {why}", picture.title))?;
    let told = picture.rows.iter().map(|row| format!("{}: {} {}", row.what, shown(row.median()), row.unit));
    let told = told.collect::<Vec<_>>().join("; ");
    let texts = format!("<title>{}</title>\n<desc>{}</desc>\n", escaped(&picture.title), escaped(&told));
    let (tag, rest) = drawn.split_once('>').ok_or_else(|| anyhow::anyhow!("{} is empty", picture.title))?;
    let tag = tag.replacen("<svg", "<svg role=\"img\"", 1);
    let ink = format!("\"#{:02X}{:02X}{:02X}\"", INK.0, INK.1, INK.2);
    Ok(format!("{tag}>\n{texts}{STYLE}{}", rest.trim_start().replace(&ink, "\"currentColor\"")))
}

fn draw(picture: &Picture<'_>, into: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let rows = &picture.rows;
    let values = || rows.iter().map(|row| row.median());
    let most = rows.iter().map(|row| quantile(&row.samples, 0.9)).chain(values()).fold(0.0, f64::max);
    let least = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
    let wide = least.is_finite() && most / least > LINEAR_MAX && values().all(|value| value > 0.0);
    let (from, to) = if wide {
        let (low, high) = (least.log10().floor(), most.log10());
        (low, high + (high - low) * 0.16)
    } else {
        (0.0, if most > 0.0 { most * 1.16 } else { 1.0 })
    };
    let at = |value: f64| if wide { value.log10() } else { value };
    let count = i32::try_from(rows.len())?;
    let height = u32::try_from(rows.len())? * ROW_HEIGHT + 64;
    let longest = rows.iter().map(|row| label(row).chars().count()).max().unwrap_or_default();
    let root = SVGBackend::with_string(into, (WIDTH, height)).into_drawing_area();
    let style = TEXT.into_font().color(&INK);
    let mut context = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(18)
        .x_label_area_size(46)
        .y_label_area_size(u32::try_from(longest)? * LETTER + 16)
        .build_cartesian_2d(from..to, (0..count - 1).into_segmented())?;
    context
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.18))
        .axis_style(INK.mix(0.6))
        .x_desc(if wide { format!("{}, each step ten times as much", picture.unit) } else { picture.unit.into() })
        .axis_desc_style(style.clone())
        .label_style(style.clone())
        .x_labels(6)
        .y_labels(rows.len())
        .x_label_formatter(&|value| if wide { shown(10f64.powf(*value)) } else { shown(*value) })
        .y_label_formatter(&|place| match place {
            SegmentValue::CenterOf(place) | SegmentValue::Exact(place) => {
                let row = usize::try_from(count - 1 - *place).ok().and_then(|place| rows.get(place));
                row.map(|row| label(row)).unwrap_or_default()
            }
            SegmentValue::Last => String::new(),
        })
        .draw()?;
    let place = |row: usize| count - 1 - i32::try_from(row).unwrap_or_default();
    context.draw_series(rows.iter().enumerate().map(|(row, shown)| {
        let end = if row == 0 { SegmentValue::Last } else { SegmentValue::Exact(place(row) + 1) };
        let corners = [(from, SegmentValue::Exact(place(row))), (at(shown.median()), end)];
        let mut bar = Rectangle::new(corners, FILL.filled());
        bar.set_margin(6, 6, 0, 0);
        bar
    }))?;
    context.draw_series(rows.iter().enumerate().filter(|(_, row)| row.samples.len() > 2).map(|(row, shown)| {
        let ends = [0.1, 0.9].map(|part| (at(quantile(&shown.samples, part).max(least)), place(row)));
        PathElement::new(ends.map(|(value, row)| (value, SegmentValue::CenterOf(row))).to_vec(), INK.stroke_width(2))
    }))?;
    context.draw_series(rows.iter().enumerate().map(|(row, one)| {
        let style = style.clone().pos(Pos::new(HPos::Left, VPos::Center));
        let end = quantile(&one.samples, 0.9).max(one.median());
        EmptyElement::at((at(end), SegmentValue::CenterOf(place(row)))) + Text::new(shown(one.median()), (6, 0), style)
    }))?;
    root.present()?;
    drop(context);
    drop(root);
    Ok(())
}

fn label(row: &Row) -> String {
    if row.what.chars().count() <= LABEL_MAX {
        return row.what.clone();
    }
    let start: String = row.what.chars().take(LABEL_MAX - 1).collect();
    format!("{}…", start.trim_end())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plot_is_made_of_each_unit_that_two_rows_share() -> anyhow::Result<()> {
        let ms = |what: &str, value: f64| Row::new("growth", what, "ms", vec![value, value * 1.1, value * 1.2]);
        let rows = [ms("a <few>", 1.0), ms("many", 900.0), Row::new("growth", "alone", "MB", vec![1.0])];
        let rows: Vec<&Row> = rows.iter().collect();
        let pictures = pictures("trial", "growth", &rows);
        assert_eq!(pictures.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["trial-growth-ms"]);
        let drawn = svg(&pictures[0])?;
        for wanted in ["<title>trial, growth, ms</title>", "a &lt;few&gt;", "prefers-color-scheme:dark", "currentColor"]
        {
            assert!(drawn.contains(wanted), "{wanted}: {drawn}");
        }
        assert!(drawn.contains("ten times as much") && !drawn.contains("#010203"), "{drawn}");
        Ok(())
    }

    #[test]
    fn nothing_but_zeroes_is_drawn_as_well() -> anyhow::Result<()> {
        let rows = [Row::new("", "one", "ms", vec![0.0; 3]), Row::new("", "two", "ms", vec![0.0; 3])];
        svg(&pictures("trial", "", &rows.iter().collect::<Vec<_>>())[0])?;
        Ok(())
    }
}
