//! CMS.MERGE.

use keyspan_bloom_core::count_min::{CountMin, Merge as Sum};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    number::parse_i64,
    reply::Reply,
};

use super::{super::KEY, Error, announce, existing, existing_mut, row, word};

/// A key, and the word of its weight if there are weights.
type Source<'a> = (Arg<'a>, Option<Arg<'a>>);

/// `CMS.MERGE destination numkeys source [source ...] [WEIGHTS weight [weight ...]]`
#[derive(Debug)]
pub struct Merge;

/// Reads the sources behind the destination.
fn sources<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Vec<Source<'a>>, Error> {
    let numkeys = parse_i64(word(args, name)?.bytes).ok_or(Error::NumkeysUnread)?;
    if numkeys < 1 {
        return Err(Error::NumkeysNotPositive);
    }
    let words: Vec<Arg<'a>> = args.into_iter().collect();
    let keyword = words.iter().position(|word| word.bytes.eq_ignore_ascii_case(b"WEIGHTS"));
    let numkeys = usize::try_from(numkeys).map_err(|_| Error::Keys)?;
    let Some(keyword) = keyword else {
        let all = words.into_iter().map(|key| (key, None)).collect::<Vec<_>>();
        return if all.len() == numkeys { Ok(all) } else { Err(Error::Keys) };
    };
    let (keys, weights) = words.split_at_checked(keyword).ok_or(Error::KeysAndWeights)?;
    let weights = weights.get(1..).unwrap_or_default();
    if keys.len() != numkeys || weights.len() != numkeys {
        return Err(Error::KeysAndWeights);
    }
    Ok(keys.iter().zip(weights).map(|(key, weight)| (*key, Some(*weight))).collect())
}

/// The weight and the sketch of a source, of the dimensions `like`.
fn source<'a, H: Host<CountMin>>(
    host: &'a mut H,
    (key, weight): Source<'_>,
    like: (u64, u64),
) -> Result<(i64, &'a CountMin), Error> {
    let weight = weight.map_or(Ok(1), |word| parse_i64(word.bytes).ok_or(Error::Weight))?;
    let sketch = existing(host, key)?;
    if (sketch.width(), sketch.depth()) != like {
        return Err(Error::Unequal);
    }
    Ok((weight, sketch))
}

impl Command for Merge {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Replaces a sketch by the weighted sum of others",
        complexity: "O(N * W * D) where N is the number of sources, W the width and D the depth",
        keys: Keys::FirstAndCounted { count: 2 },
        arguments: &[
            Argument::new("destination", ArgumentKind::Key),
            Argument::new("numkeys", ArgumentKind::Integer),
            Argument { name: "source", ..KEY }.multiple(),
            Argument::new("weight", ArgumentKind::Integer).token("WEIGHTS").optional().multiple(),
        ],
        ..row("cms.merge", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let sources = sources(&mut args, Self::ROW.name)?;
        let destination = existing(host, key)?;
        let like = (destination.width(), destination.depth());
        // Nothing is allocated before every source is found good.
        for &each in &sources {
            source(host, each, like)?;
        }
        let mut sum = Sum::new(existing(host, key)?)?;
        for &each in &sources {
            let (weight, sketch) = source(host, each, like)?;
            sum.add(sketch, weight)?;
        }
        let merged = sum.finish()?;
        let destination = existing_mut(host, key)?;
        let changed = *destination != merged;
        *destination = merged;
        if changed {
            announce(host, key, "cms.merge");
        }
        reply.ok();
        Ok(())
    }
}
