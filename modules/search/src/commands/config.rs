//! FT.CONFIG: the settings under the names they had before servers had settings of modules.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
    settings::{Kind, Setting},
};
use keyspan_server::{Call, ServerCommand};

use super::{row, word};
use crate::error::Error;
use crate::settings::SETTINGS;

/// `FT.CONFIG GET option`, `FT.CONFIG SET option value`, `FT.CONFIG HELP option`
#[derive(Debug)]
pub struct Config;

impl ServerCommand for Config {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Reads and changes settings under their old names; CONFIG took its place",
        arguments: &[
            Argument::new("action", ArgumentKind::OneOf).parts(&[
                Argument::new("get", ArgumentKind::PureToken).token("GET"),
                Argument::new("set", ArgumentKind::PureToken).token("SET"),
                Argument::new("help", ArgumentKind::PureToken).token("HELP"),
            ]),
            Argument::new("option", ArgumentKind::String),
            Argument::new("value", ArgumentKind::String).optional(),
        ],
        ..row("FT.CONFIG", Arity::AtLeast(3), Access::Read)
    };

    fn run(_: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let action = word(&mut args, Self::ROW.name)?;
        let option = word(&mut args, Self::ROW.name)?;
        if action.eq_ignore_ascii_case(b"GET") {
            tell(option, reply);
        } else if action.eq_ignore_ascii_case(b"SET") {
            let value = word(&mut args, Self::ROW.name)?;
            set(option, value)?;
            reply.ok();
        } else if action.eq_ignore_ascii_case(b"HELP") {
            help(option, reply);
        } else {
            return Err(Error::ConfigAction);
        }
        Ok(())
    }
}

/// The settings with an old name that `option` means; `*` means all.
fn options(option: &[u8]) -> Vec<(&'static str, &'static Setting)> {
    let named = SETTINGS.iter().filter_map(|setting| Some((setting.load_names[0]?, *setting)));
    named
        .filter(|(name, _)| option == b"*" || option.eq_ignore_ascii_case(name.as_bytes()))
        .collect()
}

fn set(option: &[u8], value: &[u8]) -> Result<(), Error> {
    let Some((_, setting)) = options(option).first().copied().filter(|_| option != b"*") else {
        return Err(Error::ConfigOption);
    };
    let number = setting.parse(&String::from_utf8_lossy(value));
    let is_set = number.is_some_and(|number| setting.set(number));
    if is_set { Ok(()) } else { Err(Error::ConfigValue) }
}

fn tell(option: &[u8], reply: &mut dyn Reply) {
    let options = options(option);
    if reply.is_resp3() {
        reply.map(options.len());
    } else {
        reply.array(options.len());
    }
    for (name, setting) in options {
        if !reply.is_resp3() {
            reply.array(2);
        }
        reply.line(name.as_bytes());
        reply.bulk(value(setting).as_bytes());
    }
}

fn help(option: &[u8], reply: &mut dyn Reply) {
    let options = options(option);
    if reply.is_resp3() {
        reply.map(options.len());
    } else {
        reply.array(options.len());
    }
    for (name, setting) in options {
        let is_resp3 = reply.is_resp3();
        if !is_resp3 {
            reply.array(5);
        }
        reply.line(name.as_bytes());
        if is_resp3 {
            reply.map(2);
        }
        reply.simple("Description");
        reply.line(setting.about.as_bytes());
        reply.simple("Value");
        reply.bulk(value(setting).as_bytes());
    }
}

/// The present value as text.
fn value(setting: &Setting) -> String {
    let word = |words: &[&'static str]| {
        let index = usize::try_from(setting.get()).ok();
        index.and_then(|index| words.get(index)).copied().unwrap_or_default().to_owned()
    };
    match setting.kind {
        Kind::Bool => word(&["no", "yes"]),
        Kind::Choice(words) => word(words),
        Kind::Integer { .. } | Kind::Memory { .. } => setting.get().to_string(),
        Kind::Ratio => setting.ratio().to_string(),
        Kind::Text(_) => setting.text(),
    }
}
