//! CMS.INITBYDIM, CMS.INITBYPROB.

use keyspan_bloom_core::count_min::{CountMin, dimensions};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::{parse_f64, parse_i64},
    reply::Reply,
};

use super::{super::KEY, Error, announce, row, word};

/// The word as an integer above 0, or `error`.
fn positive(word: Arg<'_>, error: Error) -> Result<u64, Error> {
    let number = parse_i64(word.bytes).and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(error)
}

/// The word as a number above 0 and below 1, or `error`.
fn share(word: Arg<'_>, error: Error) -> Result<f64, Error> {
    parse_f64(word.bytes).filter(|share| *share > 0.0 && *share < 1.0).ok_or(error)
}

/// Refuses a key that holds anything, of any type.
fn check_free<H: Host<CountMin>>(host: &mut H, key: Arg<'_>) -> Result<(), Error> {
    if matches!(host.read(key), Ok(None)) { Ok(()) } else { Err(Error::Exists) }
}

fn create<H: Host<CountMin>, R: Reply>(
    host: &mut H,
    key: Arg<'_>,
    (width, depth): (u64, u64),
    event: &'static str,
    reply: &mut R,
) -> Result<(), Error> {
    host.insert(key, CountMin::new(width, depth)?);
    announce(host, key, event);
    reply.ok();
    Ok(())
}

/// `CMS.INITBYDIM key width depth`
#[derive(Debug)]
pub struct InitByDim;

impl Command for InitByDim {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty sketch of a width and a depth",
        complexity: "O(1)",
        fast: true,
        arguments: &[
            KEY,
            Argument::new("width", ArgumentKind::Integer),
            Argument::new("depth", ArgumentKind::Integer),
        ],
        ..row("cms.initbydim", Arity::Exactly(4), Access::Grow)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        check_free(host, key)?;
        let width = positive(word(&mut args, Self::ROW.name)?, Error::Width)?;
        let depth = positive(word(&mut args, Self::ROW.name)?, Error::Depth)?;
        create(host, key, (width, depth), "cms.initbydim", reply)
    }
}

/// `CMS.INITBYPROB key error probability`
#[derive(Debug)]
pub struct InitByProb;

impl Command for InitByProb {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty sketch whose counts are too large by a share of the total at most, but with a probability",
        complexity: "O(1)",
        fast: true,
        arguments: &[
            KEY,
            Argument::new("error", ArgumentKind::Double),
            Argument::new("probability", ArgumentKind::Double),
        ],
        ..row("cms.initbyprob", Arity::Exactly(4), Access::Grow)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        check_free(host, key)?;
        let error = share(word(&mut args, Self::ROW.name)?, Error::Overestimation)?;
        let probability = share(word(&mut args, Self::ROW.name)?, Error::Probability)?;
        create(host, key, dimensions(error, probability), "cms.initbyprob", reply)
    }
}
