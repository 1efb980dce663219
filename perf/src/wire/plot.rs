//! One bar chart for each figure, as SVG.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::sheet::{Row, Sheet};
use crate::measure::median;

const SIZE: (u32, u32) = (640, 400);
/// Of the axis, so that the numbers above the bars have room.
const HEADROOM: f64 = 1.15;

/// Writes a file for each figure that isn't a count and isn't zero everywhere, named by its key, into `folder`.
pub(crate) fn write(sheet: &Sheet, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for row in sheet.rows().iter().filter(|row| row.figure.unit != "count") {
        if let Some(chart) = chart(row)? {
            let file = folder.join(format!("{}.svg", row.figure.key));
            fs::write(&file, chart).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(())
}

fn chart(row: &Row) -> Result<Option<String>> {
    let bars: Vec<(&str, f64)> =
        row.values.iter().map(|(who, rounds)| (who.as_str(), median(rounds.iter().copied()))).collect();
    let highest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if highest <= 0.0 {
        return Ok(None);
    }
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{} ({})", row.figure.title, row.figure.unit), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d((0..bars.len() - 1).into_segmented(), 0.0..highest * HEADROOM)?;
    let name = |segment: &SegmentValue<usize>| match segment {
        SegmentValue::CenterOf(bar) => bars.get(*bar).map_or(String::new(), |(name, _)| (*name).to_owned()),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(bars.len())
        .x_label_formatter(&name)
        .draw()?;
    for (bar, (_, value)) in bars.iter().enumerate() {
        let right = if bar + 1 == bars.len() { SegmentValue::Last } else { SegmentValue::Exact(bar + 1) };
        let mut shape =
            Rectangle::new([(SegmentValue::Exact(bar), 0.0), (right, *value)], BLUE.mix(0.6).filled());
        shape.set_margin(0, 0, 24, 24);
        chart.draw_series([shape])?;
        let place = (SegmentValue::CenterOf(bar), *value + highest * 0.06);
        let style = TextStyle::from(("sans-serif", 14).into_font()).pos(Pos::new(HPos::Center, VPos::Center));
        chart.draw_series([Text::new(format!("{value:.3}"), place, style)])?;
    }
    area.present()?;
    drop(chart);
    drop(area);
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sheet::tests::sheet;

    #[test]
    fn a_chart_has_a_bar_with_name_and_number_for_each_contestant() {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        write(&sheet(), folder.path()).expect("it can be drawn");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was drawn");
        let both = read("flood-60-mpps.svg");
        for text in ["received (Mpps)", "bridge", "weir", "1.000", "0.900", "</svg>"] {
            assert!(both.contains(text), "{text} is missing in {both}");
        }
        let alone = read("flood-60-cpu.svg");
        assert!(
            alone.contains("CPU &amp; all") && alone.contains("3.000") && !alone.contains("bridge"),
            "{alone}"
        );
    }
}
