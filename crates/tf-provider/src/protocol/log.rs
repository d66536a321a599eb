//! The log: one JSON object a line on stderr, in the form of hashicorp/go-hclog, which Terraform reads,
//! filters and shows.
//!
//! `TF_LOG`, `TF_LOG_PROVIDER` and `TF_LOG_PROVIDER_<NAME>` choose the level, the most specific first; without
//! them nothing is written. Values have no place in the log: they may be secrets.

use std::fmt;
use std::io::{self, Write as _};
use std::time::SystemTime;

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The host reads lines of 64 KiB at most.
const LONGEST_LINE_BYTES: usize = 60 << 10;

/// The longest single text in a line.
const LONGEST_TEXT_BYTES: usize = 16 << 10;

/// Crates below us whose own news is noise to a user.
const QUIET: &[&str] = &["h2", "hyper", "hyper_util", "rustls", "tonic", "tower", "tokio_util", "mio"];

/// Starts logging when the environment asks for it and nobody else logs already.
pub(crate) fn start(address: &str, variable: impl Fn(&str) -> Option<String>) {
    let name = address.rsplit('/').next().unwrap_or_default();
    let Some(level) = level(name, variable) else { return };
    let quiet = QUIET.iter().map(|target| (*target, level.min(LevelFilter::WARN)));
    let filter = Targets::new().with_default(level).with_targets(quiet);
    let layer = Hclog { module: format!("provider.{name}") }.with_filter(filter);
    // A program that embeds the provider may have its own subscriber.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
}

fn level(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<LevelFilter> {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
    let text = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|key| variable(key).filter(|value| !value.is_empty()))?;
    match text.to_uppercase().as_str() {
        "OFF" => None,
        "ERROR" => Some(LevelFilter::ERROR),
        "WARN" => Some(LevelFilter::WARN),
        "INFO" => Some(LevelFilter::INFO),
        "DEBUG" => Some(LevelFilter::DEBUG),
        // Terraform takes what it does not know, and JSON, as everything.
        _ => Some(LevelFilter::TRACE),
    }
}

/// Prints a panic in the form that Terraform collects into its crash report.
pub(crate) fn announce_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)");
        let place = panic.location().map(|place| format!("\n\n{place}")).unwrap_or_default();
        let trace = std::backtrace::Backtrace::force_capture();
        // Without stderr there is nobody left to tell.
        let _ = writeln!(io::stderr().lock(), "panic: {text}{place}\n{trace}");
    }));
}

/// Writes events in hclog's form, with the fields of the spans around them.
struct Hclog {
    module: String,
}

/// The fields of a span, kept for the events inside it.
struct SpanFields(Map<String, Json>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Hclog {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &span::Id, record: &span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            let mut fields = Fields(std::mem::take(&mut known.0));
            record.record(&mut fields);
            known.0 = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(known) = span.extensions().get::<SpanFields>() {
                fields.0.extend(known.0.clone());
            }
        }
        event.record(&mut fields);
        let line = line(*event.metadata().level(), &self.module, fields.0, SystemTime::now());
        // Without stderr there is nobody left to tell.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn line(level: Level, module: &str, mut fields: Map<String, Json>, now: SystemTime) -> String {
    let message = fields.remove("message").unwrap_or_else(|| Json::from(""));
    let mut entry = Map::new();
    entry.insert("@level".to_owned(), Json::from(level.as_str().to_lowercase()));
    entry.insert("@message".to_owned(), message);
    entry.insert("@module".to_owned(), Json::from(module));
    entry.insert("@timestamp".to_owned(), Json::from(timestamp(now)));
    let mut full = entry.clone();
    full.extend(fields);
    let text = Json::Object(full).to_string();
    let text = if text.len() > LONGEST_LINE_BYTES { Json::Object(entry).to_string() } else { text };
    text + "\n"
}

/// Collects fields as JSON; every text is a string, since the host trips over other messages.
#[derive(Default)]
struct Fields(Map<String, Json>);

impl Fields {
    fn put_text(&mut self, field: &Field, text: &str) {
        self.0.insert(field.name().to_owned(), Json::from(shortened(text)));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }
}

fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST_TEXT_BYTES {
        text
    } else {
        &text[..text.floor_char_boundary(LONGEST_TEXT_BYTES)]
    }
}

/// Writes a moment as `2006-01-02T15:04:05.000000Z`.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Turns days since 1970 into a date: years begin in March here, so that the leap day comes last.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_most_specific_variable_chooses_the_level() {
        let check = |variables: &[(&str, &str)], expected: Option<LevelFilter>| {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(level("my-pets", variable), expected, "{variables:?}");
        };
        check(&[], None);
        check(&[("TF_LOG", "")], None);
        check(&[("TF_LOG", "info")], Some(LevelFilter::INFO));
        check(&[("TF_LOG", "JSON")], Some(LevelFilter::TRACE));
        check(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "warn")], Some(LevelFilter::WARN));
        check(&[("TF_LOG_PROVIDER", "TRACE"), ("TF_LOG_PROVIDER_MY_PETS", "off")], None);
    }

    #[test]
    fn writes_dates_of_the_calendar() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        };
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_400, "2000-02-29T00:00:00.000000Z");
        check(1_709_251_199, "2024-02-29T23:59:59.000000Z");
        check(4_107_542_400, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn a_line_fits_what_the_host_reads() {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), Json::from("hello"));
        fields.insert("tf_rpc".to_owned(), Json::from("Configure"));
        let short = line(Level::WARN, "provider.x", fields.clone(), SystemTime::UNIX_EPOCH);
        assert_eq!(
            short,
            "{\"@level\":\"warn\",\"@message\":\"hello\",\"@module\":\"provider.x\",\
             \"@timestamp\":\"1970-01-01T00:00:00.000000Z\",\"tf_rpc\":\"Configure\"}\n"
        );
        fields.insert("huge".to_owned(), Json::from("x".repeat(100_000)));
        let long = line(Level::INFO, "provider.x", fields, SystemTime::UNIX_EPOCH);
        assert!(long.len() < 64 << 10 && long.contains("hello"));
    }
}
