//! Owns what many samples say in one figure, and how a figure is printed.
//! Never a mean: one sample in a thousand that waited for the disk would move it.
//! Next: `run` judges by these, `table` prints them.

/// The sample that so large a part of all is not above, the nearest one; 0.5 is the median.
pub fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

pub fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// With three digits or so; a measurement has no more.
pub fn shown(figure: f64) -> String {
    let size = figure.abs();
    let digits = match size {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 || size == 0.0 => 2,
        size if size >= 0.001 => 4,
        _ => 6,
    };
    let plain = format!("{figure:.digits$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([quantile(&samples, 0.0), median(&samples), quantile(&samples, 1.0)], [1.0, 3.0, 5.0]);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_figure_is_shown_with_three_digits_or_so() {
        let figures = [0.0, 0.000_055, 0.0123, 0.5, 9.876, 12.34, 123.4, 1_234_567.0, -1234.0];
        let wanted = ["0.00", "0.000055", "0.0123", "0.50", "9.88", "12.3", "123", "1,234,567", "-1,234"];
        assert_eq!(figures.map(shown), wanted);
    }
}
