//! Curves as SVG pictures.

use std::path::Path;

use plotters::prelude::*;

/// One curve: its name, and its points from left to right.
pub(crate) type Curve = (String, Vec<(f64, f64)>);

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// What is on a picture.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    /// Of both axes.
    pub(crate) scale: Scale,
    pub(crate) curves: &'a [Curve],
}

/// Draws the curves into a file.
pub(crate) fn draw(file: &Path, plot: &Plot<'_>) {
    let points = || plot.curves.iter().flat_map(|(_, points)| points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) =
            points().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), at| (low.min(at), high.max(at)));
        if plot.scale == Scale::Linear { 0.0..high * 1.05 } else { low * 0.8..high * 1.25 }
    };
    let (x, y) = (range(|point| point.0), range(|point| point.1));
    let area = SVGBackend::new(file, (900, 420)).into_drawing_area();
    area.fill(&WHITE).expect("a picture");
    let mut builder = ChartBuilder::on(&area);
    builder.caption(plot.title, ("sans-serif", 18)).margin(12).x_label_area_size(40).y_label_area_size(70);
    macro_rules! chart {
        ($x:expr, $y:expr) => {{
            let mut chart = builder.build_cartesian_2d($x, $y).expect("two axes");
            let mut mesh = chart.configure_mesh();
            mesh.x_desc(plot.x).x_label_formatter(&label).y_desc(plot.y).y_label_formatter(&label);
            mesh.light_line_style(TRANSPARENT).draw().expect("axes");
            for (index, (name, points)) in plot.curves.iter().enumerate() {
                let colour = Palette99::pick(index).to_rgba();
                let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
                let legend = move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2));
                chart.draw_series(line).expect("a curve").label(name).legend(legend);
            }
            let mut labels = chart.configure_series_labels();
            labels.border_style(BLACK.mix(0.3)).background_style(WHITE.mix(0.9)).draw().expect("the names");
        }};
    }
    match plot.scale {
        Scale::Linear => chart!(x, y),
        Scale::Logarithmic => chart!(x.log_scale(), y.log_scale()),
    }
    area.present().expect("the picture is written");
}

/// `5000`, where the library would write `5000.0`.
fn label(value: &f64) -> String {
    ((value * 1e6).round() / 1e6).to_string()
}
