//! A timeline as a picture that needs nothing else: SVG, alone or in a page, light or dark
//! as its reader likes it.

use std::fmt::Write;

use super::ink::{fit, width, xml};
use super::panels::{self, Panel};
use super::scale::{Scale, duration};
use super::spans::{Span, Track};
use super::svg_rows::Rows;
use super::{Kind, summary};
use crate::answers::shared::when;

pub(super) const WIDTH: f64 = 1200.0;
pub(super) const MARGIN: f64 = 24.0;
/// Where the bars begin and how much room they have.
pub(super) const PLOT: f64 = 440.0;
pub(super) const PLOT_WIDTH: f64 = 570.0;
/// The right edges of the two columns of durations.
pub(super) const WAITED: f64 = 1090.0;
pub(super) const RAN: f64 = WIDTH - MARGIN;
/// Where the first panel begins.
const TOP: f64 = 108.0;
/// From the top of a panel to its rows: its title, and the axis.
const HEAD: f64 = 58.0;
/// Between two panels.
const APART: f64 = 22.0;
/// Rows of each table of sums.
const SUMS: usize = 10;

const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.num,.axis,.stamp{font-variant-numeric:tabular-nums}.num{text-anchor:end}
.title{font-size:19px;font-weight:600}.strong{font-weight:600}.stamp{font-size:10.5px}
.muted,.axis,.head,.stamp{fill:#59636e}.axis{font-size:10.5px}.head{font-size:11px}
.bad{fill:#c01c28}
.bg{fill:#fff}.band{fill:#f4f6f8}.grid{stroke:#dde1e6}.start{stroke:#9aa4af}
.cut{fill:#e9ecef}.cutline{stroke:#b8c0c8;stroke-dasharray:2 3}
.waiting{fill:url(#hatch)}.hatch{stroke:#8b95a1}.running{fill:#dbe7f7}
.hook{fill:#7d9cc9}.engine{fill:#b9a7e0}.rules{fill:#7d4cdb}.alone{fill:#b8c0c8}.failed{fill:#d1242f}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.muted,.axis,.head,.stamp{fill:#9aa4ae}.bad{fill:#ff7b72}
.bg{fill:#0d1117}.band{fill:#151b23}.grid{stroke:#262d36}.start{stroke:#56606b}
.cut{fill:#1b222b}.cutline{stroke:#444d57}
.hatch{stroke:#707b87}.running{fill:#1f3a5f}
.hook{fill:#5c86bd}.engine{fill:#6a5a94}.rules{fill:#b48cff}.alone{fill:#4c5661}.failed{fill:#ff6057}
}";

/// The page around the picture.
pub(super) fn page(tracks: &[Track]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>netcue timeline of {}</title>\n\
         <style>body{{margin:0;background:#fff}}svg{{display:block;margin:0 auto;max-width:1600px;\
         width:100%;min-width:800px;height:auto}}\
         @media (prefers-color-scheme:dark){{body{{background:#0d1117}}}}</style>\n\
         </head>\n<body>\n{}</body>\n</html>\n",
        xml(&super::subtitle(tracks)),
        picture(tracks)
    )
}

/// The picture alone.
pub(super) fn picture(tracks: &[Track]) -> String {
    let mut picture = Picture { body: String::new(), y: TOP };
    if !tracks.is_empty() {
        picture.legend();
    }
    for panel in panels::of(tracks) {
        picture.panel(&panel);
        picture.y += APART;
    }
    picture.y -= APART;
    if !tracks.is_empty() {
        picture.sums(tracks);
    }
    let height = picture.y + 16.0;
    let subtitle = xml(&super::subtitle(tracks));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"netcue timeline\">\n\
         <desc>{subtitle}</desc>\n\
         <style>\n{STYLE}\n</style>\n\
         <defs><pattern id=\"hatch\" width=\"5\" height=\"5\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <path class=\"hatch\" d=\"M1 0V5\" stroke-width=\"1.6\"/></pattern></defs>\n\
         <rect class=\"bg\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"38\">Where the time went</text>\n\
         <text class=\"muted\" x=\"{MARGIN}\" y=\"59\">{subtitle}</text>\n{}</svg>\n",
        picture.body
    )
}

struct Picture {
    body: String,
    /// Where the next panel begins.
    y: f64,
}

impl Picture {
    fn legend(&mut self) {
        let entries = [
            ("waiting", "waiting for its turn", 150.0),
            ("running", "running", 82.0),
            ("hook", "hook", 66.0),
            ("engine", "rules as they should be", 172.0),
            ("rules", "rules changed", 118.0),
            ("alone", "hook that held nobody", 166.0),
            ("failed", "failed", 70.0),
        ];
        let mut x = MARGIN;
        for (class, label, width) in entries {
            self.put(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"77\" width=\"14\" height=\"11\" rx=\"2\"/>"
            ));
            self.text("", x + 20.0, 87.0, label);
            x += width;
        }
        self.put(&format!(
            "<rect class=\"cut\" x=\"{x}\" y=\"75\" width=\"14\" height=\"15\"/>\
             <path class=\"cutline\" d=\"M{} 75v15\"/>",
            x + 7.0
        ));
        self.text("", x + 20.0, 87.0, "nothing to do, cut out");
    }

    fn panel(&mut self, panel: &Panel) {
        let scale = Scale::of(panel, PLOT, PLOT_WIDTH, 26.0);
        let top = self.y;
        let mut rows = Rows::at(&scale, top + HEAD);
        for (index, row) in panel.rows.iter().enumerate() {
            rows.row(row, index % 2 == 0);
        }
        // Bands lie below the grid, bars above it.
        self.body.push_str(&rows.bands);
        self.text("strong", MARGIN, top + 14.0, &super::about_panel(panel));
        self.axis(&scale, top + HEAD, rows.y);
        self.body.push_str(&rows.marks);
        self.y = rows.y;
    }

    /// The axis of rows that begin at `top`, with its grid down to `bottom`.
    fn axis(&mut self, scale: &Scale, top: f64, bottom: f64) {
        for (class, x, head) in [
            ("head", MARGIN, "time"),
            ("head", super::svg_rows::ID, "event"),
            ("head num", WAITED, "waited"),
            ("head num", RAN, "ran"),
        ] {
            self.text(class, x, top - 10.0, head);
        }
        for pair in scale.pieces.windows(2) {
            let [before, after] = pair else { continue };
            let idle = Span { from: before.span.to, to: after.span.from };
            self.cut(before.x + before.width, after.x, (top - 22.0, bottom), idle);
        }
        let edge = PLOT + PLOT_WIDTH + 4.0;
        let (mut clock_free, mut tick_free) = (PLOT, PLOT);
        for piece in &scale.pieces {
            let x = piece.x;
            self.put(&format!("<path class=\"start\" d=\"M{x:.1} {}V{bottom:.1}\"/>", top - 22.0));
            let clock = when::clock_only(piece.span.from);
            let end = x + width(&clock, 10.5);
            if !scale.by_clock && x >= clock_free && end <= edge {
                self.text("axis", x + 1.0, top - 26.0, &clock);
                clock_free = end + 10.0;
            }
            for tick in scale.ticks(piece, 64.0) {
                let at = tick.x;
                self.put(&format!(
                    "<path class=\"grid\" d=\"M{at:.1} {}V{bottom:.1}\"/>",
                    top - 4.0
                ));
                let half = width(&tick.label, 10.5) / 2.0;
                if at - half >= tick_free && at + half <= x + piece.width + 8.0 {
                    self.put(&format!(
                        "<text class=\"axis\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{}\">{}</text>",
                        top - 10.0,
                        xml(&tick.label)
                    ));
                    tick_free = at + half + 6.0;
                }
            }
        }
    }

    fn cut(&mut self, from: f64, to: f64, (top, bottom): (f64, f64), idle: Span) {
        let (width, middle, height) = (to - from, f64::midpoint(from, to), bottom - top);
        self.put(&format!(
            "<g><title>{}</title><rect class=\"cut\" x=\"{from:.1}\" y=\"{top}\" \
             width=\"{width:.1}\" height=\"{height:.1}\"/><path class=\"cutline\" \
             d=\"M{middle:.1} {top}V{bottom:.1}\"/></g>",
            xml(&format!("nothing to do for {}", duration(idle.ms())))
        ));
    }

    /// The two tables at the bottom, side by side.
    fn sums(&mut self, tracks: &[Track]) {
        self.y += 44.0;
        let top = self.y;
        self.text("strong", MARGIN, top, "By source");
        for (x, head) in [(330.0, "events"), (430.0, "waited"), (530.0, "ran")] {
            self.text("head num", x, top, head);
        }
        let sources = summary::sources(tracks);
        let mut left = top;
        for sum in sources.iter().take(SUMS) {
            left += 20.0;
            self.text("", MARGIN, left, &fit(&sum.name, 220.0, 12.0));
            self.text("num", 330.0, left, &sum.events.to_string());
            self.text("num", 430.0, left, &duration(sum.waited_ms));
            self.text("num", 530.0, left, &duration(sum.ran_ms));
        }
        let steps = summary::steps(tracks);
        let mut right = top;
        if !steps.is_empty() {
            self.text("strong", 600.0, top, "By step");
            for (x, head) in
                [(906.0, "times"), (976.0, "failed"), (1076.0, "took"), (RAN, "longest")]
            {
                self.text("head num", x, top, head);
            }
        }
        for sum in steps.iter().take(SUMS) {
            right += 20.0;
            let class = match sum.kind {
                Kind::Engine | Kind::Rules => "rules",
                Kind::Alone => "alone",
                Kind::Hook | Kind::Failed => "hook",
            };
            let y = right - 9.0;
            self.put(&format!("<rect class=\"{class}\" x=\"600\" y=\"{y:.1}\" width=\"10\" height=\"10\" rx=\"2\"/>"));
            self.text("", 618.0, right, &fit(&sum.name, 230.0, 12.0));
            self.text("num", 906.0, right, &sum.times.to_string());
            let tone = if sum.failed > 0 { "num bad" } else { "num muted" };
            self.text(tone, 976.0, right, &sum.failed.to_string());
            self.text("num", 1076.0, right, &duration(sum.ms));
            self.text("num", RAN, right, &duration(sum.longest_ms));
        }
        self.y = left.max(right);
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.put(&format!("<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", xml(text)));
    }

    fn put(&mut self, line: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.body, "{line}");
    }
}
