//! A handler that takes an option of each type and replies with what it was given, a line for each.

use flexilib::{option, Answer, Exchange, Filter, Node, OptionSpec, Ranges, Refusal, Regex, Setup, Template, Value};
use std::fmt::Write;

const LIMITS: &[OptionSpec] =
    &[option!("rate", number, "so many", required), option!("label", text, "a name", fallback = "none")];
const RULE: &[OptionSpec] = &[option!("", table, "a limit", fields = LIMITS)];
const WEIGHT: &[OptionSpec] = &[option!("", integer, "a weight")];

/// What is printed at once when the filter is made, and what needs an exchange or is compiled.
enum Line {
    Text(String),
    Regex(Regex),
    Template(Template),
    Ranges(Ranges),
}

pub struct Given {
    lines: Vec<(&'static str, Line)>,
}

impl Filter for Given {
    const OPTIONS: &'static [OptionSpec] = &[
        option!("bool", bool, "yes or no"),
        option!("integer", integer, "a whole number", between = -5..=99),
        option!("duration", duration, "a time", fallback = "1s"),
        option!("size", size, "a size"),
        option!("text", text, "a text"),
        option!("list", list, "texts"),
        option!("map", map, "texts by name"),
        option!("secret", secret, "a secret"),
        option!("file", file, "a file"),
        option!("number", number, "a number"),
        option!("choice", choice, "a colour", choices = ["red", "green", "blue"]),
        option!("regex", regex, "a pattern"),
        option!("template", template, "a template"),
        option!("upstream", upstream, "an upstream"),
        option!("ranges", ranges, "networks"),
        option!("directory", directory, "a folder"),
        option!("table", table, "a table", fields = LIMITS),
        option!("list-of", list_of, "tables", fields = RULE),
        option!("map-of", map_of, "numbers by name", fields = WEIGHT),
        option!("any", any, "a tree"),
    ];

    fn create(setup: &Setup) -> Result<Self, Refusal> {
        if setup["text"].text() == "evil" {
            return Err(setup["text"].refuse("it is evil"));
        }
        if setup["text"].text() == "throw" {
            panic!("has thrown: mischief");
        }
        let text = setup["text"].text().to_string();
        if let Some(sentence) = text.strip_prefix("late") {
            get_ready_later(setup, sentence.trim_start().to_string());
        }
        for item in setup["list-of"].items() {
            let rate = item.field("rate");
            if rate.number() > 1000.0 {
                return Err(rate.refuse("1000 is the most"));
            }
        }
        let names = [
            "bool",
            "integer",
            "duration",
            "size",
            "text",
            "list",
            "map",
            "secret",
            "file",
            "number",
            "choice",
            "regex",
            "template",
            "upstream",
            "ranges",
            "directory",
            "table",
            "list-of",
            "map-of",
            "any",
        ];
        Ok(Given { lines: names.into_iter().map(|name| (name, line(name, &setup[name]))).collect() })
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        let mut page = String::new();
        for (name, line) in &self.lines {
            let value = match line {
                Line::Text(text) => text.clone(),
                Line::Regex(regex) => String::from_utf8(group(regex).to_vec()).unwrap(),
                Line::Template(template) => exchange.expand(template).to_string(),
                Line::Ranges(ranges) => if ranges.contain("10.1.2.3") { "in" } else { "out" }.to_string(),
            };
            writeln!(page, "{name}={value}").unwrap();
        }
        exchange.reply(200, "text/plain", page)
    }
}

/// "late" is ready later, "late TEXT" will not be, for that reason.
fn get_ready_later(setup: &Setup, sentence: String) {
    let readiness = setup.defer_ready();
    std::thread::spawn(move || match sentence.as_str() {
        "" => readiness.set_ready(),
        sentence => readiness.fail(sentence),
    });
}

fn group(regex: &Regex) -> &'static [u8] {
    regex.find(b"abc123def", 0).and_then(|groups| groups[1]).unwrap_or(b"-")
}

fn line(name: &str, value: &Value) -> Line {
    if !value.is_present() {
        return Line::Text(String::new());
    }
    match name {
        "regex" => Line::Regex(value.regex()),
        "template" => Line::Template(value.template()),
        "ranges" => Line::Ranges(value.ranges()),
        _ => Line::Text(print(name, value)),
    }
}

fn print(name: &str, value: &Value) -> String {
    match name {
        "bool" => if value.boolean() { "yes" } else { "no" }.to_string(),
        "integer" | "size" => value.integer().to_string(),
        "duration" => value.duration().as_millis().to_string(),
        "number" => value.number().to_string(),
        "choice" => format!("{} {}", value.integer(), value.text()),
        "directory" => format!("/{}", value.text().to_string().rsplit('/').next().unwrap()),
        "list" => join(value.list().iter().map(|text| text.to_string())),
        "map" => join(value.map().iter().map(|(name, value)| format!("{name}:{value}"))),
        "table" => print_limits(value),
        "list-of" => join(value.items().iter().map(print_limits)),
        "map-of" => {
            let items = value.items();
            join(value.list().iter().zip(&items).map(|(name, item)| format!("{name}:{}", item.integer())))
        }
        "any" => print_node(value.node()),
        _ => value.text().to_string(),
    }
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

fn print_limits(value: &Value) -> String {
    format!("{}/{}", value.field("rate").number(), value.field("label").text())
}

fn print_node(node: Node) -> String {
    if let Some(text) = node.scalar() {
        text.to_string()
    } else if let Some(items) = node.list() {
        format!("[{}]", join(items.into_iter().map(print_node)))
    } else if let Some(items) = node.map() {
        format!("{{{}}}", join(items.into_iter().map(|(name, item)| format!("{name}:{}", print_node(item)))))
    } else {
        "null".to_string()
    }
}
