//! Pages of the documents that are written from tables: commands and settings.

use std::fmt::Write;

use crate::{
    command::{Access, Argument, ArgumentKind, Arity, Keys, Row},
    settings::{Kind, Setting, Text},
};

/// A command's syntax as a person types it: `JSON.SET key path value [NX | XX]`.
pub fn syntax(row: &Row) -> String {
    let mut words = vec![row.name.to_uppercase()];
    words.extend(row.arguments.iter().map(argument));
    words.join(" ")
}

fn argument(argument: &Argument) -> String {
    let separator = if argument.kind == ArgumentKind::OneOf { " | " } else { " " };
    let parts: Vec<String> = argument.parts.iter().map(self::argument).collect();
    let value = match argument.kind {
        ArgumentKind::PureToken => String::new(),
        ArgumentKind::Block => parts.join(separator),
        ArgumentKind::OneOf if argument.optional && argument.token.is_none() => {
            parts.join(separator)
        }
        ArgumentKind::OneOf => format!("<{}>", parts.join(separator)),
        ArgumentKind::Double | ArgumentKind::Integer | ArgumentKind::Key | ArgumentKind::String => {
            argument.name.to_owned()
        }
    };
    let mut text = match argument.token {
        Some(token) if value.is_empty() => token.to_owned(),
        Some(token) => format!("{token} {value}"),
        None => value,
    };
    if argument.multiple {
        text = format!("{text} [{text} ...]");
    }
    if argument.optional { format!("[{text}]") } else { text }
}

fn flags(row: &Row) -> String {
    let access = match row.access {
        Access::Read => "readonly",
        Access::Grow => "write, deny-oom",
        Access::Shrink => "write",
    };
    if row.fast { format!("{access}, fast") } else { access.to_owned() }
}

fn keys(row: &Row) -> String {
    match row.keys {
        Keys::None => "none".to_owned(),
        Keys::Tracked => {
            "none; clients that track keys are told of changes under the first word".to_owned()
        }
        Keys::Range { first, last, step } => format!("{first} to {last}, step {step}"),
        Keys::Counted { count } => format!("as many as word {count} says behind it"),
        Keys::FirstAndCounted { count } => format!("1, and as many as word {count} says behind it"),
    }
}

fn arity(row: &Row) -> String {
    match row.arity {
        Arity::AtLeast(words) => format!("-{words}"),
        Arity::Exactly(words) => words.to_string(),
    }
}

/// What COMMAND INFO tells beside, if anything.
fn tips(row: &Row) -> String {
    let tips = row.tips.iter().map(|tip| format!("`{tip}`")).collect::<Vec<_>>().join(", ");
    if tips.is_empty() { tips } else { format!("; tips {tips}") }
}

/// The page of a module's commands, in Markdown; `more` says what follows a command's line on its table.
pub fn commands(title: &str, rows: &[Row], more: impl Fn(&Row) -> String) -> String {
    let mut page = format!("# {title}\n\nWritten from the command table by `scripts/docs`.\n");
    for row in rows {
        let _ = write!(
            page,
            "\n## {}\n\n{}.\n\n```\n{}\n```\n\n* Complexity: {}.\n* Since {} of the reference; arity {}; flags {}; ACL @{}; keys {}{}.\n{}",
            row.name.to_uppercase(),
            row.summary,
            syntax(row),
            row.complexity,
            row.since,
            arity(row),
            flags(row),
            row.category,
            keys(row),
            tips(row),
            more(row),
        );
    }
    page
}

fn range(setting: &Setting) -> String {
    match setting.kind {
        Kind::Bool => "yes, no".to_owned(),
        Kind::Choice(words) => words.join(", "),
        Kind::Integer { min, max } => format!("{min} to {max}"),
        Kind::Memory { max } => format!("0 to {max} bytes, with units"),
        Kind::Ratio => "above 0, below 1".to_owned(),
        Kind::Text(_) => "text".to_owned(),
    }
}

fn default(setting: &Setting) -> String {
    let named = match setting.kind {
        Kind::Bool => ["no", "yes"].get(usize::try_from(setting.default).unwrap_or(0)).copied(),
        Kind::Choice(words) => words.get(usize::try_from(setting.default).unwrap_or(0)).copied(),
        Kind::Integer { .. } | Kind::Memory { .. } => None,
        Kind::Ratio => return f64::from_bits(setting.default.cast_unsigned()).to_string(),
        Kind::Text(Text { default: "", .. }) => Some("empty"),
        Kind::Text(Text { default, .. }) => Some(default),
    };
    named.map_or_else(|| setting.default.to_string(), str::to_owned)
}

/// Every name of a setting.
fn names(setting: &Setting) -> String {
    let mut names = format!("`{}`", setting.name);
    if setting.unprefixed {
        names += " (bare on Redis from 8.0 on)";
    }
    if setting.load_only {
        names += " (load argument only)";
    }
    for alias in setting.aliases {
        let _ = write!(names, ", `{alias}`");
    }
    for name in setting.load_names.iter().flatten() {
        let _ = write!(names, ", as load argument also `{name}`");
    }
    names
}

/// The page of a module's settings, in Markdown; the server shows them behind `prefix` and a dot.
pub fn settings(title: &str, prefix: &str, settings: &[&Setting]) -> String {
    let mut page = format!(
        "# {title}\n\nWritten from the settings table by `scripts/docs`.\n\nEvery server shows them as `{prefix}.<name>` in CONFIG GET and takes them in CONFIG SET and in its\nconfiguration file; as load arguments they are `<name> <value>`.\n\n| name | values | default | changes at run time | meaning |\n|---|---|---|---|---|\n"
    );
    for setting in settings {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            names(setting),
            range(setting),
            default(setting),
            if setting.fixed || setting.load_only { "no" } else { "yes" },
            setting.about
        );
    }
    page
}
