//! Owns the arithmetic: order statistics with inclusive quartiles, outliers, shares. Numbers in, numbers out.
//! Never knows of tables or words.
//! Next: `metrics` says of which rows.

/// Without the dust of binary fractions: twelve digits, no negative zero. None for what is no number.
pub(crate) fn clean(value: f64) -> Option<f64> {
    let rounded: f64 = value.is_finite().then(|| format!("{value:.11e}"))?.parse().ok()?;
    Some(if rounded == 0.0 { 0.0 } else { rounded })
}

/// Of at least one number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) n: usize,
    pub(crate) min: f64,
    pub(crate) first_quartile: f64,
    pub(crate) median: f64,
    pub(crate) third_quartile: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

impl Summary {
    pub(crate) fn of(values: &[f64]) -> Option<Summary> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let n = sorted.len();
        // Divided before it is added: the sum of large numbers may be none any more.
        let sum: f64 = sorted.iter().sum();
        let mean = if sum.is_finite() { sum / n as f64 } else { sorted.iter().map(|value| value / n as f64).sum() };
        let at = |part: f64| quantile(&sorted, part);
        Some(Summary { n, min, first_quartile: at(0.25), median: at(0.5), third_quartile: at(0.75), max, mean })
    }

    /// Beyond 1.5 times the distance between the quartiles. Where that distance is nothing, nothing is far.
    pub(crate) fn is_outlier(&self, value: f64) -> bool {
        let reach = 1.5 * (self.third_quartile - self.first_quartile);
        reach > 0.0 && (value < self.first_quartile - reach || value > self.third_quartile + reach)
    }
}

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    Summary::of(values).map(|summary| summary.median)
}

/// Inclusive: the smallest is the quantile of 0, the largest that of 1, linear between the neighbours.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    let between = place - place.floor();
    if between == 0.5 { below / 2.0 + above / 2.0 } else { below + (above - below) * between }
}

/// How much of the spread is between the groups rather than within them: 0 to 1.
pub(crate) fn separation(groups: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = groups.iter().flatten().copied().collect();
    let Some(whole) = Summary::of(&all) else { return 0.0 };
    let squares = |values: &[f64], from: f64| values.iter().map(|value| (value - from).powi(2)).sum::<f64>();
    let total = squares(&all, whole.mean);
    let within: f64 = groups.iter().filter_map(|group| Some(squares(group, Summary::of(group)?.mean))).sum();
    if total > 0.0 && total.is_finite() { (1.0 - within / total).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_minus_zero_or_no_number() {
        assert!(clean(-0.0).is_some_and(f64::is_sign_positive));
        assert_eq!(clean(f64::NAN), None);
        assert_eq!(clean(f64::INFINITY), None);
        assert_eq!(clean(0.1 + 0.2), Some(0.3));
    }

    #[test]
    fn quartiles_are_inclusive() {
        let summary = Summary::of(&[19.0, 49.0, 149.0]).expect("three numbers");
        assert_eq!((summary.first_quartile, summary.median, summary.third_quartile), (34.0, 49.0, 99.0));
        assert_eq!(median(&[0.6, 0.65]), Some(0.625));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn where_all_are_equal_nothing_is_an_outlier() {
        let summary = Summary::of(&[5.0; 9]).expect("nine numbers");
        assert!(!summary.is_outlier(5.0) && !summary.is_outlier(6.0));
        let huge = Summary::of(&[f64::MAX, f64::MAX, f64::NAN]).expect("two numbers");
        assert_eq!((huge.n, huge.mean, huge.median), (2, f64::MAX, f64::MAX));
    }

    #[test]
    fn groups_that_explain_everything_are_wholly_apart() {
        assert_eq!(separation(&[vec![1.0, 1.0], vec![5.0, 5.0]]), 1.0);
        assert_eq!(separation(&[vec![1.0, 5.0], vec![1.0, 5.0]]), 0.0);
        assert_eq!(separation(&[vec![2.0], vec![2.0]]), 0.0);
    }
}
