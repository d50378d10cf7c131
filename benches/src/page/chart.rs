//! Line charts as SVG: axes, a grid, and curves that differ in their dashes too, so that they can be told apart on paper.

use super::escape;
use crate::curves::PERCENTILE;
use crate::findings::{Axis, Curve, Plot};

/// The size of a chart in its own units; a page scales it.
const WIDE: f64 = 720.0;
const HIGH: f64 = 300.0;
/// Room for the marks and names of the axes.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 44.0;
/// How many styles of curves there are before they begin again.
const STYLES: usize = 6;
/// A curve with so few points shows each of them.
const MARKED_POINTS_MAX: usize = 24;
/// A linear axis goes on for this share behind its last value, so that a curve does not end in the corner.
const HEADROOM: f64 = 0.04;
/// About so many marks on an axis.
const MARKS: f64 = 6.0;
/// The width of a line of the legend, and of one of its letters, about.
const SAMPLE: f64 = 34.0;
const LETTER: f64 = 7.0;
/// The height of a row of the legend.
const ROW: f64 = 18.0;

/// Where the values of an axis lie.
struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// The places of the lowest and the highest value.
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale on which all values have room; a linear one begins at zero, because half a rate must look like half.
    fn over(values: impl Iterator<Item = f64>, axis: &Axis, from: f64, to: f64) -> Self {
        let logarithmic = axis.logarithmic;
        let fits = values.filter(|value| value.is_finite() && (!logarithmic || *value > 0.0));
        let (mut low, mut high) = fits
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| {
                (low.min(it), high.max(it))
            });
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        if logarithmic {
            if high / low < 1.5 {
                (low, high) = (low / 2.0, high * 2.0);
            }
        } else {
            low = low.min(0.0);
            high = if high <= low { low + 1.0 } else { high + (high - low) * HEADROOM };
        }
        Self { low, high, logarithmic, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share * (self.to - self.from)
    }

    /// The values that get a mark.
    fn marks(&self) -> Vec<f64> {
        if !self.logarithmic {
            let step = round_step((self.high - self.low) / MARKS);
            let first = (self.low / step).ceil();
            let count = ((self.high / step).floor() - first).max(0.0);
            return whole_numbers(count).map(|number| (first + number) * step).collect();
        }
        let (first, last) = (self.low.log10().floor(), self.high.log10().ceil());
        let factors: &[f64] = if last - first > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = whole_numbers(last - first).map(|number| 10_f64.powf(first + number));
        let all = powers.flat_map(|power| factors.iter().map(move |factor| power * factor));
        all.filter(|mark| (self.low * 0.999..=self.high * 1.001).contains(mark)).collect()
    }
}

/// 0, 1, 2 and so on, up to a number that is small: an axis has few marks.
fn whole_numbers(last: f64) -> impl Iterator<Item = f64> {
    (0_u32..100).map(f64::from).take_while(move |number| *number <= last)
}

/// 1, 2 or 5 times a power of ten, at least as much as asked for.
fn round_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= at_least);
    factor.unwrap_or(10.0) * power
}

/// A mark in few letters: 20k, 1.5M, 0.05; on an axis of percentiles 99.9%.
fn mark(value: f64, axis: &Axis) -> String {
    if axis.label == PERCENTILE {
        let percent = format!("{:.6}", 100.0 - 100.0 / value);
        return format!("{}%", percent.trim_end_matches('0').trim_end_matches('.'));
    }
    let (scaled, unit) = match value.abs() {
        large if large >= 1e9 => (value / 1e9, "G"),
        large if large >= 1e6 => (value / 1e6, "M"),
        large if large >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.4}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Draws a plot as an HTML figure.
pub(super) fn draw(plot: &Plot) -> String {
    let points = || plot.curves.iter().flat_map(|curve| &curve.points);
    let x = Scale::over(points().map(|point| point.0), &plot.x, LEFT, WIDE - RIGHT);
    let y = Scale::over(points().map(|point| point.1), &plot.y, HIGH - BOTTOM, TOP);
    let (title, legend) = (escape(&plot.title), legend(&plot.curves));
    let high = HIGH + legend.1;
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDE} {high}\" role=\"img\" aria-label=\"{title}\">\n"
    );
    axes(&mut svg, plot, &x, &y);
    for (number, curve) in plot.curves.iter().enumerate() {
        svg.push_str(&draw_curve(curve, number, &x, &y));
    }
    svg.push_str(&legend.0);
    svg.push_str("</svg></figure>\n");
    svg
}

fn axes(svg: &mut String, plot: &Plot, x: &Scale, y: &Scale) {
    let (floor, right) = (HIGH - BOTTOM, WIDE - RIGHT);
    for value in x.marks() {
        let (at, text) = (x.place(value), mark(value, &plot.x));
        line(svg, "grid", (at, TOP), (at, floor));
        label(svg, "middle", (at, floor + 16.0), &text);
    }
    for value in y.marks() {
        let (at, text) = (y.place(value), mark(value, &plot.y));
        line(svg, "grid", (LEFT, at), (right, at));
        label(svg, "end", (LEFT - 6.0, at + 4.0), &text);
    }
    line(svg, "axis", (LEFT, floor), (right, floor));
    line(svg, "axis", (LEFT, TOP), (LEFT, floor));
    label(svg, "middle", (f64::midpoint(LEFT, right), floor + 34.0), &plot.x.label);
    let (at, name) = (f64::midpoint(TOP, floor), escape(&plot.y.label));
    svg.push_str(&format!(
        "<text text-anchor=\"middle\" transform=\"translate(14 {at:.1}) rotate(-90)\">{name}</text>\n"
    ));
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    svg.push_str(&format!(
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
        from.0, from.1, to.0, to.1
    ));
}

fn label(svg: &mut String, anchor: &str, at: (f64, f64), text: &str) {
    let text = escape(text);
    svg.push_str(&format!(
        "<text text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>\n",
        at.0, at.1
    ));
}

fn draw_curve(curve: &Curve, number: usize, x: &Scale, y: &Scale) -> String {
    let shown =
        |scale: &Scale, value: f64| value.is_finite() && (!scale.logarithmic || value > 0.0);
    let points = curve.points.iter().filter(|(at, value)| shown(x, *at) && shown(y, *value));
    let places: Vec<_> = points.map(|(at, value)| (x.place(*at), y.place(*value))).collect();
    let style = number % STYLES;
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mut drawn = format!("<polyline class=\"curve s{style}\" points=\"{}\"/>\n", path.join(" "));
    if places.len() <= MARKED_POINTS_MAX {
        for (x, y) in places {
            drawn.push_str(&format!(
                "<circle class=\"mark s{style}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n"
            ));
        }
    }
    drawn
}

/// The legend below the chart, and how high it is.
fn legend(curves: &[Curve]) -> (String, f64) {
    let (mut svg, mut left, mut row) = (String::new(), LEFT, 1.0);
    for (number, curve) in curves.iter().enumerate() {
        let letters = u32::try_from(curve.name.chars().count()).unwrap_or(u32::MAX);
        let width = SAMPLE + LETTER * f64::from(letters) + 24.0;
        if left + width > WIDE && left > LEFT {
            (left, row) = (LEFT, row + 1.0);
        }
        let at = HIGH + ROW * (row - 0.5);
        let style = format!("curve s{}", number % STYLES);
        line(&mut svg, &style, (left, at), (left + SAMPLE, at));
        label(&mut svg, "start", (left + SAMPLE + 6.0, at + 4.0), &curve.name);
        left += width;
    }
    (svg, ROW * row + 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(label: &str, logarithmic: bool) -> Axis {
        Axis { label: label.to_owned(), logarithmic }
    }

    #[test]
    fn marks_are_round_numbers_in_few_letters() {
        let scale = Scale::over([0.0, 19_300.0].into_iter(), &axis("", false), 0.0, 1.0);
        assert_eq!(scale.marks(), [0.0, 5_000.0, 10_000.0, 15_000.0, 20_000.0]);
        let scale = Scale::over([0.3, 40.0].into_iter(), &axis("", true), 0.0, 1.0);
        let marks: Vec<_> = scale.marks().iter().map(|it| mark(*it, &axis("", true))).collect();
        assert_eq!(marks, ["0.5", "1", "2", "5", "10", "20"]);
        let percentile = axis(PERCENTILE, true);
        let percents = [1.0, 10.0, 100.0, 1_000.0].map(|it| mark(it, &percentile));
        assert_eq!(percents, ["0%", "90%", "99%", "99.9%"]);
        let short = [1_500.0, 20_000.0, 10_000_000.0, 0.05].map(|it| mark(it, &axis("", false)));
        assert_eq!(short, ["1500", "20k", "10M", "0.05"]);
    }

    #[test]
    fn nothing_and_what_cannot_be_drawn_is_no_trouble() {
        let plot = Plot {
            title: "a < b".to_owned(),
            x: axis("x", false),
            y: axis("y", true),
            curves: vec![
                Curve { name: "none".to_owned(), points: Vec::new() },
                Curve {
                    name: "one".to_owned(),
                    points: vec![(1.0, 0.0), (2.0, f64::NAN), (3.0, 5.0)],
                },
            ],
        };
        let drawn = draw(&plot);
        assert!(drawn.contains("a &lt; b") && drawn.matches("<circle").count() == 1, "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        let none = Plot { curves: Vec::new(), ..plot };
        assert!(!draw(&none).contains("NaN"));
    }
}
