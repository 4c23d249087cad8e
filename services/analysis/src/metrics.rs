//! Owns every number of the analysis: count, min, median, mean, max, by group, outliers and trends, with stable ids.
//! Never a number without its rows: each names its table, its column, how many cells, and where they stand.
//! Next: `told` says them in words, `charts` draws them, rules read them by id.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Metric, MetricId, Statistic};

use crate::measure::Measured;
use crate::pool::Pool;
use crate::sheet::{Periods, Sheet};
use crate::sums::{Summary, clean, median};

/// All numbers of one analysis.
const METRICS_MAX: usize = 96;
const OUTLIERS_MAX: usize = 3;
/// Fewer numbers than these have no middle: they are said themselves.
pub(crate) const MEDIAN_ROWS_MIN: usize = 3;
/// Places that one number cites; the first and the last where it has more rows.
const EVIDENCE_MAX: usize = 24;

/// What was computed of one column.
#[derive(Debug)]
pub(crate) struct Figures<'a> {
    pub(crate) of: &'a Measured<'a>,
    /// Count, min, median, mean, max.
    pub(crate) level: Vec<Metric>,
    pub(crate) outliers: Vec<Metric>,
    /// The median without them.
    pub(crate) calm: Option<Metric>,
    pub(crate) trend: Option<Trend>,
    /// Medians by group, and each group beside the others.
    pub(crate) groups: Vec<Metric>,
    pub(crate) differences: Vec<Metric>,
}

#[derive(Debug)]
pub(crate) struct Trend {
    pub(crate) first: (String, Metric),
    pub(crate) last: (String, Metric),
    pub(crate) whole: Metric,
    pub(crate) by_entity: Vec<Metric>,
}

struct Maker<'a> {
    pool: &'a Pool,
    sheet: &'a Sheet<'a>,
    column: usize,
}

pub(crate) fn figures<'a>(pool: &Pool, columns: &'a [Measured<'a>]) -> Vec<Figures<'a>> {
    let mut room = METRICS_MAX;
    columns.iter().filter_map(|column| of_column(pool, column, &mut room)).collect()
}

/// Every metric, each id once.
pub(crate) fn all(figures: &[Figures<'_>]) -> Vec<Metric> {
    let mut seen = BTreeSet::new();
    let every = figures.iter().flat_map(|figures| {
        let trend = figures
            .trend
            .iter()
            .flat_map(|trend| [&trend.first.1, &trend.last.1, &trend.whole].into_iter().chain(&trend.by_entity));
        figures
            .level
            .iter()
            .chain(&figures.outliers)
            .chain(&figures.calm)
            .chain(trend)
            .chain(&figures.groups)
            .chain(&figures.differences)
    });
    every.filter(|metric| seen.insert(metric.id.clone())).cloned().collect()
}

fn of_column<'a>(pool: &Pool, of: &'a Measured<'a>, room: &mut usize) -> Option<Figures<'a>> {
    let maker = Maker { pool, sheet: of.sheet, column: of.column };
    let mut taken = |metrics: usize| {
        let fits = metrics <= *room;
        *room -= if fits { metrics } else { 0 };
        fits
    };
    let level = maker.level(of);
    if level.is_empty() || !taken(level.len()) {
        return None;
    }
    let (outliers, calm) = maker.outliers(of);
    let (outliers, calm) =
        if taken(outliers.len() + usize::from(calm.is_some())) { (outliers, calm) } else { (vec![], None) };
    let mut trend = maker.trend(of).filter(|_| taken(3));
    if let Some(trend) = &mut trend
        && !taken(trend.by_entity.len())
    {
        trend.by_entity.clear();
    }
    let (groups, differences) = maker.groups(of);
    let (groups, differences) =
        if taken(groups.len() + differences.len()) { (groups, differences) } else { (vec![], vec![]) };
    Some(Figures { of, level, outliers, calm, trend, groups, differences })
}

impl Maker<'_> {
    fn metric(
        &self,
        statistic: Statistic,
        group: BTreeMap<String, String>,
        value: f64,
        rows: &[usize],
    ) -> Option<Metric> {
        let evidence = self.sheet.evidence(self.pool, rows.iter().copied(), EVIDENCE_MAX);
        // A number that cannot be led back to a passage is none that may be said.
        if evidence.is_empty() {
            return None;
        }
        let part = matches!(statistic, Statistic::Difference | Statistic::Trend | Statistic::Count);
        let unit = self.sheet.unit(self.column).filter(|_| !part);
        Some(Metric {
            id: self.id(statistic, &group),
            label: self.label(statistic, rows.len()),
            statistic,
            table: self.sheet.table.id.clone(),
            column: self.sheet.table.columns[self.column].name.clone(),
            group,
            value: clean(value)?,
            unit,
            of: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            evidence,
        })
    }

    fn id(&self, statistic: Statistic, group: &BTreeMap<String, String>) -> MetricId {
        let columns = &self.sheet.table.columns;
        let name = &columns[self.column].name;
        let twin = columns[..self.column].iter().filter(|column| column.name == *name).count();
        let twin = if twin > 0 { format!("#{}", twin + 1) } else { String::new() };
        let pairs: Vec<String> = group.iter().map(|(column, value)| format!("{column}={value}")).collect();
        let group = if pairs.is_empty() { String::new() } else { format!(":{}", pairs.join(",")) };
        MetricId(format!("{}:{}:{name}{twin}{group}", word(statistic), self.sheet.name))
    }

    /// Without table, rows and unit: those stand beside it wherever it is shown.
    fn label(&self, statistic: Statistic, rows: usize) -> String {
        let spoken = self.sheet.spoken(self.column);
        match statistic {
            Statistic::Count => format!("rows with a value: {spoken}"),
            Statistic::Min => format!("lowest {spoken}"),
            Statistic::Max => format!("highest {spoken}"),
            Statistic::Median if rows == 1 => spoken,
            Statistic::Median if rows < MEDIAN_ROWS_MIN => format!("mean of two: {spoken}"),
            Statistic::Median => format!("median {spoken}"),
            Statistic::Mean => format!("mean {spoken}"),
            Statistic::Difference => format!("{spoken} beside the median of the others"),
            Statistic::Outlier => format!("{spoken}, far outside"),
            Statistic::Trend => format!("{spoken}, from the first date to the last"),
        }
    }

    fn on(&self, of: &Measured<'_>) -> BTreeMap<String, String> {
        let pair = of.on.as_ref().map(|(date, day)| (self.sheet.table.columns[*date].name.clone(), day.clone()));
        pair.into_iter().collect()
    }

    fn level(&self, of: &Measured<'_>) -> Vec<Metric> {
        let Summary { n, min, median, max, mean, .. } = of.summary;
        let statistics = [
            (Statistic::Count, n as f64),
            (Statistic::Min, min),
            (Statistic::Median, median),
            (Statistic::Mean, mean),
            (Statistic::Max, max),
        ];
        let is_told = |statistic: &Statistic| match n {
            1 => matches!(statistic, Statistic::Count | Statistic::Median),
            2 => matches!(statistic, Statistic::Count | Statistic::Min | Statistic::Max),
            _ => true,
        };
        let wanted = statistics.into_iter().filter(|(statistic, _)| is_told(statistic));
        wanted.filter_map(|(statistic, value)| self.metric(statistic, self.on(of), value, &of.rows)).collect()
    }

    fn outliers(&self, of: &Measured<'_>) -> (Vec<Metric>, Option<Metric>) {
        let pairs = of.rows.iter().zip(&of.values);
        let (mut far, near): (Vec<_>, Vec<_>) = pairs.partition(|(_, value)| of.summary.is_outlier(**value));
        if far.is_empty() || of.summary.n < 5 {
            return (vec![], None);
        }
        far.sort_by(|one, other| {
            (other.1 - of.summary.median).abs().total_cmp(&(one.1 - of.summary.median).abs()).then(one.0.cmp(other.0))
        });
        let told = far.iter().take(OUTLIERS_MAX).filter_map(|(row, value)| {
            let names = &self.sheet.table.columns;
            let label = self.sheet.row_label(**row).into_iter();
            let group = label.map(|(column, text)| (names[column].name.clone(), text.to_owned())).collect();
            self.metric(Statistic::Outlier, group, **value, &[**row])
        });
        let (rows, values): (Vec<usize>, Vec<f64>) = near.into_iter().map(|(row, value)| (*row, *value)).unzip();
        let mut without = self.on(of);
        without.insert("without".into(), "outliers".into());
        let calm = median(&values).and_then(|value| self.metric(Statistic::Median, without, value, &rows));
        (told.collect(), calm)
    }

    fn groups(&self, of: &Measured<'_>) -> (Vec<Metric>, Vec<Metric>) {
        let Some(grouping) = &of.grouping else { return (vec![], vec![]) };
        let name = &self.sheet.table.columns[grouping.column].name;
        let (mut medians, mut differences) = (vec![], vec![]);
        let value: BTreeMap<usize, f64> = of.rows.iter().copied().zip(of.values.iter().copied()).collect();
        for (group, rows) in self.sheet.groups(grouping.column, &of.rows) {
            if rows.len() < MEDIAN_ROWS_MIN && !grouping.one_each {
                continue;
            }
            let inside: Vec<f64> = rows.iter().filter_map(|row| value.get(row)).copied().collect();
            let members: BTreeSet<usize> = rows.iter().copied().collect();
            let others = value.iter().filter(|(row, _)| !members.contains(row));
            let outside: Vec<f64> = others.map(|(_, value)| *value).collect();
            let mut named = self.on(of);
            named.insert(name.clone(), group.to_owned());
            let Some(own) = median(&inside) else { continue };
            medians.extend(self.metric(Statistic::Median, named.clone(), own, &rows));
            if let Some(others) = median(&outside).filter(|others| *others != 0.0 && !grouping.one_each) {
                differences.extend(self.metric(Statistic::Difference, named, own / others - 1.0, &rows));
            }
        }
        // Most first: that is the order in which they are told and drawn.
        medians.sort_by(|one, other| other.value.total_cmp(&one.value).then_with(|| one.id.cmp(&other.id)));
        differences.sort_by(|one, other| other.value.total_cmp(&one.value).then_with(|| one.id.cmp(&other.id)));
        (medians, differences)
    }

    fn trend(&self, of: &Measured<'_>) -> Option<Trend> {
        let (date, entity) = match of.periods.as_ref()? {
            Periods::Panel { date, entity } => (*date, Some(*entity)),
            Periods::Series { date } => (*date, None),
        };
        let numbers = self.sheet.numbers(self.column);
        let dated: Vec<(usize, f64, String)> =
            numbers.into_iter().filter_map(|(row, value)| Some((row, value, self.sheet.day(row, date)?))).collect();
        let ends = |dated: &[(usize, f64, String)]| {
            let first = dated.iter().map(|(.., day)| day).min()?.clone();
            let last = dated.iter().map(|(.., day)| day).max()?.clone();
            (first != last).then_some((first, last))
        };
        let (first, last) = ends(&dated)?;
        let name = self.sheet.table.columns[date].name.clone();
        let at = |dated: &[(usize, f64, String)], wanted: &str| -> (Vec<usize>, Vec<f64>) {
            dated.iter().filter(|(.., day)| day == wanted).map(|(row, value, _)| (*row, *value)).unzip()
        };
        let end = |day: &String| {
            let (rows, values) = at(&dated, day);
            let group = BTreeMap::from([(name.clone(), day.clone())]);
            Some((day.clone(), self.metric(Statistic::Median, group, median(&values)?, &rows)?))
        };
        let change = |dated: &[(usize, f64, String)], group: BTreeMap<String, String>| {
            let (first, last) = ends(dated)?;
            let ((mut rows, before), (later, after)) = (at(dated, &first), at(dated, &last));
            rows.extend(later);
            let before = median(&before).filter(|before| *before != 0.0)?;
            self.metric(Statistic::Trend, group, (median(&after)? - before) / before.abs(), &rows)
        };
        let mut by_entity = vec![];
        if let Some(entity) = entity {
            let entity_name = &self.sheet.table.columns[entity].name;
            let rows: Vec<usize> = dated.iter().map(|(row, ..)| *row).collect();
            for (thing, rows) in self.sheet.groups(entity, &rows) {
                let rows: BTreeSet<usize> = rows.into_iter().collect();
                let own: Vec<_> = dated.iter().filter(|(row, ..)| rows.contains(row)).cloned().collect();
                by_entity.extend(change(&own, BTreeMap::from([(entity_name.clone(), thing.to_owned())])));
            }
            by_entity.truncate(12);
        }
        Some(Trend { first: end(&first)?, last: end(&last)?, whole: change(&dated, BTreeMap::new())?, by_entity })
    }
}

fn word(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Count => "count",
        Statistic::Min => "min",
        Statistic::Median => "median",
        Statistic::Mean => "mean",
        Statistic::Max => "max",
        Statistic::Difference => "difference",
        Statistic::Outlier => "outlier",
        Statistic::Trend => "trend",
    }
}
