//! Bar charts as inline SVG, drawn here: no script, no style attribute (the page's policy would refuse them), colours from
//! the style sheet. Who does not see them reads title and description, and the table beside.

use maud::{Markup, html};

/// The drawing's own units; the style sheet scales it to the page.
const WIDTH: u64 = 6_400;
const HEIGHT: u64 = 2_000;
const LEFT: u64 = 900;
const TOP: u64 = 150;
const BOTTOM: u64 = 1_750;

/// A chart of bars, each a stack.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What can be seen in it, in a sentence.
    pub description: String,
    /// Classes of the parts of a stack, lowest first; the style sheet knows them.
    pub classes: &'a [&'a str],
    /// The bars in order.
    pub bars: Vec<Bar>,
    /// How the value at the top of the scale is written.
    pub write: fn(u64) -> String,
}

/// A bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What stands below it.
    pub label: String,
    /// The parts of its stack; `None` where nothing was measured: that is not 0, and is drawn as a gap.
    pub parts: Option<Vec<u64>>,
}

/// The chart.
pub fn draw(chart: &Chart<'_>) -> Markup {
    let sums = chart.bars.iter().flat_map(|bar| &bar.parts).map(|parts| parts.iter().sum());
    let scale = round_up(sums.max().unwrap_or(0));
    let (title, description) = (format!("{}-title", chart.id), format!("{}-description", chart.id));
    let view = format!("0 0 {WIDTH} {HEIGHT}");
    html! {
        svg class="chart" role="img" viewBox=(view) xmlns="http://www.w3.org/2000/svg"
            aria-labelledby={ (title) " " (description) } {
            title id=(title) { (chart.title) }
            desc id=(description) { (chart.description) }
            line class="axis" x1=(LEFT) y1=(TOP) x2=(WIDTH) y2=(TOP) {}
            line class="axis" x1=(LEFT) y1=(BOTTOM) x2=(WIDTH) y2=(BOTTOM) {}
            text class="high" x=(LEFT - 50) y=(TOP + 50) { ((chart.write)(scale)) }
            text class="high" x=(LEFT - 50) y=(BOTTOM) { "0" }
            @for (place, bar) in chart.bars.iter().enumerate() {
                (stack(chart, place as u64, bar, scale))
            }
            (labels(&chart.bars))
        }
    }
}

fn stack(chart: &Chart<'_>, place: u64, bar: &Bar, scale: u64) -> Markup {
    let wide = (WIDTH - LEFT) / (chart.bars.len() as u64).max(1);
    let (x, width) = (LEFT + place * wide, wide - wide / 6);
    let Some(parts) = &bar.parts else {
        return html! { rect class="gap" x=(x) y=(TOP) width=(width) height=(BOTTOM - TOP) {} };
    };
    let mut under = 0_u64;
    let rects = parts.iter().zip(chart.classes).map(|(part, class)| {
        let (low, high) = (height(under, scale), height(under.saturating_add(*part), scale));
        under = under.saturating_add(*part);
        (class, BOTTOM - high, high - low)
    });
    let rects: Vec<_> = rects.collect();
    html! {
        @for (class, y, height) in rects {
            rect class=(class) x=(x) y=(y) width=(width) height=(height) {}
        }
    }
}

fn height(value: u64, scale: u64) -> u64 {
    let high = u128::from(value) * u128::from(BOTTOM - TOP) / u128::from(scale.max(1));
    u64::try_from(high).unwrap_or(0).min(BOTTOM - TOP)
}

/// The first, the middle and the last.
fn labels(bars: &[Bar]) -> Markup {
    let middle = LEFT + (WIDTH - LEFT) / 2;
    let at = [
        ("low", LEFT, bars.first()),
        ("middle", middle, bars.get(bars.len() / 2)),
        ("high", WIDTH, bars.last()),
    ];
    html! {
        @for (class, x, bar) in at {
            @if let Some(bar) = bar { text class=(class) x=(x) y=(HEIGHT - 50) { (bar.label) } }
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50…
fn round_up(value: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for step in [1, 2, 5] {
            let round = power.saturating_mul(step);
            if round >= value {
                return round;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round() {
        let rounded = [0, 1, 3, 5, 6, 11, 4_999_999, u64::MAX].map(round_up);
        assert_eq!(rounded, [1, 1, 5, 5, 10, 20, 5_000_000, u64::MAX]);
    }

    #[test]
    fn a_gap_is_no_zero() {
        let bar = |parts| Bar { label: "x".into(), parts };
        let chart = Chart {
            id: "c",
            title: "T",
            description: "D".into(),
            classes: &["office", "guest"],
            bars: vec![bar(Some(vec![25, 25])), bar(None), bar(Some(vec![0, 0]))],
            write: |value| value.to_string(),
        };
        let svg = draw(&chart).into_string();
        assert_eq!(svg.matches("class=\"gap\"").count(), 1);
        assert!(svg.contains("class=\"office\" x=\"900\" y=\"950\" width=\"1528\" height=\"800\""), "{svg}");
        assert!(svg.contains("class=\"guest\" x=\"900\" y=\"150\" width=\"1528\" height=\"800\""), "{svg}");
        assert!(svg.contains("class=\"guest\" x=\"4566\" y=\"1750\" width=\"1528\" height=\"0\""), "{svg}");
        assert!(!svg.contains("style=") && !svg.contains("<script"));
    }
}
