//! A timeline as a picture that needs nothing else: SVG, alone or in a page, light or dark
//! as its reader likes it.

use std::fmt::Write;

use super::scale::{Scale, count, duration};
use super::spans::{Bar, Span, Track};
use super::{Kind, are_many, ending, heading, kind, number, one_line, period, remark, summary};
use crate::answers::shared::{markup, when};

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 24.0;
/// Where the bars begin and how much room they have.
const PLOT: f64 = 330.0;
const PLOT_WIDTH: f64 = 670.0;
/// The right edges of the two columns of durations.
const WAITED: f64 = 1086.0;
const RAN: f64 = WIDTH - MARGIN;
/// Where the rows begin.
const TOP: f64 = 142.0;
/// Narrowest bar.
const NARROWEST: f64 = 1.5;
/// Rows of each table of sums.
const SUMS: usize = 10;

const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.num,.axis{font-variant-numeric:tabular-nums}.num{text-anchor:end}
.title{font-size:19px;font-weight:600}.strong{font-weight:600}.small{font-size:10px}
.muted,.axis,.head{fill:#59636e}.axis{font-size:10.5px}.head{font-size:11px}
.bad{fill:#c01c28}
.bg{fill:#fff}.band{fill:#f4f6f8}.grid{stroke:#dde1e6}.start{stroke:#9aa4af}
.cut{fill:#e9ecef}.cutline{stroke:#b8c0c8;stroke-dasharray:2 3}
.waiting{fill:url(#hatch)}.hatch{stroke:#8b95a1}.running{fill:#cfe0fb}
.hook{fill:#2f6fdb}.engine{fill:#7d4cdb}.alone{fill:#b87503}.failed{fill:#d1242f}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.muted,.axis,.head{fill:#9aa4ae}.bad{fill:#ff7b72}
.bg{fill:#0d1117}.band{fill:#151b23}.grid{stroke:#262d36}.start{stroke:#56606b}
.cut{fill:#1b222b}.cutline{stroke:#444d57}
.hatch{stroke:#707b87}.running{fill:#28508a}
.hook{fill:#58a6ff}.engine{fill:#b48cff}.alone{fill:#e3a336}.failed{fill:#ff6057}
}";

/// The page around the picture.
pub(super) fn page(tracks: &[Track]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>netcue: {}</title>\n\
         <style>body{{margin:0;background:#fff}}svg{{display:block;margin:0 auto;max-width:1600px;\
         width:100%;min-width:800px;height:auto}}\
         @media (prefers-color-scheme:dark){{body{{background:#0d1117}}}}</style>\n\
         </head>\n<body>\n{}</body>\n</html>\n",
        xml(&period(tracks)),
        picture(tracks)
    )
}

/// The picture alone.
pub(super) fn picture(tracks: &[Track]) -> String {
    let picture = Picture {
        scale: Scale::of(tracks, PLOT, PLOT_WIDTH, 26.0),
        small: are_many(tracks),
        body: String::new(),
        y: TOP,
    };
    picture.draw(tracks)
}

struct Picture {
    scale: Scale,
    small: bool,
    body: String,
    /// Where the next row begins.
    y: f64,
}

impl Picture {
    fn draw(mut self, tracks: &[Track]) -> String {
        for (index, track) in tracks.iter().enumerate() {
            self.event(track, index % 2 == 0);
        }
        let bottom = self.y;
        let rows = std::mem::take(&mut self.body);
        self.legend();
        self.axis(bottom);
        let above = std::mem::take(&mut self.body);
        self.y = bottom + 44.0;
        self.sums(tracks);
        let height = self.y + 16.0;
        // Bands lie below the grid, bars above it.
        let (bands, bars): (Vec<&str>, Vec<&str>) =
            rows.lines().partition(|line| line.starts_with("<rect class=\"band\""));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"what when\">\n\
             <title id=\"what\">netcue timeline</title>\n\
             <desc id=\"when\">{number}, {period}</desc>\n\
             <style>\n{STYLE}\n</style>\n\
             <defs><pattern id=\"hatch\" width=\"5\" height=\"5\" \
             patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <path class=\"hatch\" d=\"M1 0V5\" stroke-width=\"1.6\"/></pattern></defs>\n\
             <rect class=\"bg\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"38\">Where the time went</text>\n\
             <text class=\"muted\" x=\"{MARGIN}\" y=\"59\">{number}, {period}</text>\n\
             {bands}\n{above}{bars}\n{below}</svg>\n",
            number = xml(&number(tracks)),
            period = xml(&period(tracks)),
            bands = bands.join("\n"),
            bars = bars.join("\n"),
            below = self.body,
        )
    }

    fn legend(&mut self) {
        let entries = [
            ("waiting", "waiting for its turn", 158.0),
            ("running", "running", 88.0),
            ("hook", "hook", 68.0),
            ("engine", "rules", 68.0),
            ("alone", "hook that held nobody", 174.0),
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
        if self.scale.pieces.len() > 1 {
            self.put(&format!(
                "<rect class=\"cut\" x=\"{x}\" y=\"75\" width=\"14\" height=\"15\"/>\
                 <path class=\"cutline\" d=\"M{} 75v15\"/>",
                x + 7.0
            ));
            self.text("", x + 20.0, 87.0, "nothing to do, cut out");
        }
    }

    /// The axis with its grid down to `bottom`.
    fn axis(&mut self, bottom: f64) {
        self.text("head", MARGIN, TOP - 10.0, "event and its steps");
        self.text("head num", WAITED, TOP - 10.0, "waited");
        self.text("head num", RAN, TOP - 10.0, "ran");
        let pieces = self.scale.pieces.clone();
        for pair in pieces.windows(2) {
            let [before, after] = pair else { continue };
            self.cut(
                before.x + before.width,
                after.x,
                bottom,
                Span { from: before.span.to, to: after.span.from },
            );
        }
        let edge = PLOT + PLOT_WIDTH + 4.0;
        let (mut clock_free, mut tick_free) = (PLOT, PLOT);
        for piece in &pieces {
            let x = piece.x;
            self.put(&format!("<path class=\"start\" d=\"M{x:.1} {}V{bottom:.1}\"/>", TOP - 26.0));
            let clock = when::clock_only(piece.span.from);
            let end = x + width(&clock, 10.5);
            if x >= clock_free && end <= edge {
                self.text("axis", x + 1.0, TOP - 30.0, &clock);
                clock_free = end + 10.0;
            }
            for tick in self.scale.ticks(piece, 64.0) {
                self.put(&format!(
                    "<path class=\"grid\" d=\"M{:.1} {}V{bottom:.1}\"/>",
                    tick.x,
                    TOP - 4.0
                ));
                let half = width(&tick.label, 10.5) / 2.0;
                if tick.x - half >= tick_free && tick.x + half <= x + piece.width + 8.0 {
                    let at = tick.x;
                    self.put(&format!(
                        "<text class=\"axis\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{}\">{}</text>",
                        TOP - 10.0,
                        xml(&tick.label)
                    ));
                    tick_free = tick.x + half + 6.0;
                }
            }
        }
    }

    fn cut(&mut self, from: f64, to: f64, bottom: f64, idle: Span) {
        let (width, middle, top) = (to - from, f64::midpoint(from, to), TOP - 26.0);
        let height = bottom - top;
        self.put(&format!(
            "<g><title>{}</title><rect class=\"cut\" x=\"{from:.1}\" y=\"{top}\" \
             width=\"{width:.1}\" height=\"{height:.1}\"/><path class=\"cutline\" \
             d=\"M{middle:.1} {top}V{bottom:.1}\"/></g>",
            xml(&format!("nothing to do for {}", duration(idle.ms())))
        ));
    }

    fn event(&mut self, track: &Track, shaded: bool) {
        let row = if self.small { 15.0 } else { 24.0 };
        let step_row = 18.0;
        let steps = if self.small { 0.0 } else { count(track.bars.len()) * step_row };
        let after = if self.small || track.bars.is_empty() { 0.0 } else { 6.0 };
        let (y, height) = (self.y, row + steps + after);
        if shaded {
            self.put(&format!(
                "<rect class=\"band\" x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>",
                MARGIN - 8.0,
                WIDTH - 2.0 * MARGIN + 16.0
            ));
        }
        let middle = y + row / 2.0;
        let size = if self.small { 10.0 } else { 12.0 };
        let small = if self.small { " small" } else { "" };
        let base = middle + size * 0.36;
        self.put(&format!("<g><title>{}</title>", xml(&about_event(track))));
        let name = heading(track);
        let room = PLOT - MARGIN - 12.0;
        let ending = ending(track);
        let class = if matches!(ending, "waiting" | "not finished") { "muted" } else { "bad" };
        let style = format!("class=\"{class}\" font-weight=\"400\"");
        let (ending, taken) = aside(ending, &style, size);
        let name = fit(&name, room - taken, size * 1.06);
        self.put(&format!(
            "<text class=\"strong{small}\" x=\"{MARGIN}\" y=\"{base:.1}\">{}{ending}</text>",
            xml(&name)
        ));
        let thick = if self.small { 9.0 } else { 12.0 };
        for span in &track.waiting {
            self.bar("waiting", *span, middle, thick - 2.0, &format!("waited {}", lasted(*span)));
        }
        for span in &track.running {
            self.bar("running", *span, middle, thick, &format!("ran {}", lasted(*span)));
        }
        let ran = if track.running.is_empty() { "-".to_owned() } else { duration(track.ran_ms()) };
        self.text(&format!("num{small}"), WAITED, base, &duration(track.waited_ms()));
        self.text(&format!("num{small}"), RAN, base, &ran);
        self.put("</g>");
        for (index, bar) in track.bars.iter().enumerate() {
            if self.small {
                self.bar(class_of(bar), bar.span, middle, 7.0, &about_step(bar));
            } else {
                self.step(bar, y + row + count(index) * step_row + step_row / 2.0);
            }
        }
        self.y += height;
    }

    fn step(&mut self, bar: &Bar, middle: f64) {
        let base = middle + 4.0;
        let room = PLOT - MARGIN - 30.0;
        let class = if kind(bar) == Kind::Failed { "bad" } else { "muted" };
        let (remark, taken) = aside(remark(bar), &format!("class=\"{class}\""), 12.0);
        let name = fit(&one_line(&bar.step), room - taken, 12.0);
        self.put(&format!(
            "<g><title>{}</title><text x=\"{}\" y=\"{base:.1}\">{}{remark}</text>",
            xml(&about_step(bar)),
            MARGIN + 16.0,
            xml(&name)
        ));
        self.bar(class_of(bar), bar.span, middle, 10.0, &about_step(bar));
        self.text("num muted", RAN, base, &duration(bar.span.ms()));
        self.put("</g>");
    }

    fn bar(&mut self, class: &str, span: Span, middle: f64, thick: f64, about: &str) {
        let edge = PLOT + PLOT_WIDTH;
        let x = self.scale.place(span.from).min(edge - NARROWEST);
        let width = (self.scale.place(span.to) - x).max(NARROWEST);
        let y = middle - thick / 2.0;
        self.put(&format!(
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.1}\" width=\"{width:.2}\" \
             height=\"{thick}\" rx=\"{:.2}\"><title>{}</title></rect>",
            (width / 2.0).min(2.0),
            xml(about)
        ));
    }

    /// The two tables at the bottom, side by side.
    fn sums(&mut self, tracks: &[Track]) {
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
                Kind::Engine => "engine",
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

fn class_of(bar: &Bar) -> &'static str {
    match kind(bar) {
        Kind::Engine => "engine",
        Kind::Hook => "hook",
        Kind::Alone => "alone",
        Kind::Failed => "failed",
    }
}

fn about_event(track: &Track) -> String {
    let ending = track.outcome.map_or("not finished", crate::journal::Outcome::as_str);
    format!(
        "{}: {ending}, accepted {}, waited {}, ran {}, event {}",
        heading(track),
        when::clock_only(track.event.time),
        duration(track.waited_ms()),
        duration(track.ran_ms()),
        track.event.id
    )
}

fn about_step(bar: &Bar) -> String {
    let remark = remark(bar);
    let said = if remark.is_empty() { String::new() } else { format!(", {remark}") };
    format!("{}: {}{said}", one_line(&bar.step), lasted(bar.span))
}

fn lasted(span: Span) -> String {
    format!(
        "{}, from {} to {}",
        duration(span.ms()),
        when::clock_only(span.from),
        when::clock_only(span.to)
    )
}

/// Words behind a name, in a style of their own, and the room they take from it.
fn aside(words: &str, style: &str, size: f64) -> (String, f64) {
    if words.is_empty() {
        return (String::new(), 0.0);
    }
    (format!("<tspan {style} dx=\"8\">{}</tspan>", xml(words)), width(words, size) + 10.0)
}

/// How wide a text is drawn, rather too much than too little: nobody knows the reader's font.
fn width(text: &str, size: f64) -> f64 {
    let ems = text.chars().map(|c| match c {
        'i' | 'j' | 'l' | ' ' | '.' | ',' | ':' | '|' | '\'' => 0.36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        c if c.is_ascii_uppercase() => 0.72,
        c if c.is_ascii() || ('\u{a0}'..'\u{250}').contains(&c) => 0.6,
        _ => 1.0,
    });
    ems.sum::<f64>() * size
}

/// The text, or as much of its beginning as has room.
fn fit(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept, size) + size > room {
            kept.pop();
            break;
        }
    }
    kept + "\u{2026}"
}

/// Text as XML takes it, in elements and attributes.
fn xml(text: &str) -> String {
    // Not allowed in XML at all.
    let is_barred = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}') || c.is_control();
    markup::escaped(&text.replace(is_barred, "\u{fffd}"))
}
