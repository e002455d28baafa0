//! TOPK.RESERVE.

use std::num::NonZero;

use keyspan_bloom_core::top_k::{Decay, TopK};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::{parse_f64, parse_i64},
    reply::Reply,
};

use super::{super::KEY, Error, row, word};

/// Cells in a row where nothing is said.
const WIDTH: u64 = 8;

/// Rows where nothing is said.
const DEPTH: u64 = 7;

/// The decay where nothing is said.
const DECAY: f64 = 0.9;

/// `TOPK.RESERVE key topk [width depth decay]`
#[derive(Debug)]
pub struct Reserve;

/// The word as an integer above 0, or `error`.
fn positive(word: Arg<'_>, error: Error) -> Result<NonZero<u32>, Error> {
    let number = parse_i64(word.bytes).and_then(|number| u32::try_from(number).ok());
    number.and_then(NonZero::new).ok_or(error)
}

/// The value that the words behind the key ask for.
fn reserved(args: &mut Args<'_>, name: &'static str) -> Result<TopK, Error> {
    let k = positive(word(args, name)?, Error::K)?;
    let (mut width, mut depth, mut decay) = (WIDTH, DEPTH, Some(DECAY));
    if !args.is_empty() {
        width = positive(word(args, name)?, Error::Width)?.get().into();
        depth = positive(word(args, name)?, Error::Depth)?.get().into();
        decay = parse_f64(word(args, name)?.bytes);
    }
    let decay = decay.and_then(Decay::new).ok_or(Error::Decay)?;
    Ok(TopK::new(k, width, depth, decay)?)
}

impl Command for Reserve {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty list of the most frequent items",
        complexity: "O(1)",
        fast: true,
        arguments: &[
            KEY,
            Argument::new("topk", ArgumentKind::Integer),
            Argument::new("dimensions", ArgumentKind::Block).optional().parts(&[
                Argument::new("width", ArgumentKind::Integer),
                Argument::new("depth", ArgumentKind::Integer),
                Argument::new("decay", ArgumentKind::Double),
            ]),
        ],
        ..row("topk.reserve", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if !matches!(args.len(), 1 | 4) {
            return Err(Error::Arity(Self::ROW.name));
        }
        if !matches!(host.read(key), Ok(None)) {
            return Err(Error::Exists);
        }
        host.insert(key, reserved(&mut args, Self::ROW.name)?);
        host.changed(key, "topk.reserve");
        host.replicate();
        reply.ok();
        Ok(())
    }
}
