//! `=>{ $name: value; ... }`

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token is one of those that may stand there, or wrong"
)]

use keyspan_common::number::{parse_f64, parse_i64};

use super::lexer::Sort;
use super::parser::Parser;
use super::{Error, Kind, Node, VectorOption};

impl Parser<'_> {
    /// Reads attributes and gives them to `node`; `=>{` was taken.
    pub(super) fn attributes(&mut self, node: &mut Node) -> Result<(), Error> {
        loop {
            let token = self.next();
            match token.sort {
                Sort::RightBrace => return Ok(()),
                Sort::Semicolon => (),
                Sort::Attribute => {
                    self.expect(Sort::Colon)?;
                    let value = self.text()?;
                    node.apply(token.text, value)?;
                    let end = self.peek();
                    if !matches!(end.sort, Sort::Semicolon | Sort::RightBrace) {
                        return Err(Self::wrong(end));
                    }
                }
                _ => return Err(Self::wrong(token)),
            }
        }
    }
}

impl Node {
    fn apply(&mut self, name: &[u8], value: Box<[u8]>) -> Result<(), Error> {
        let bad = |value: &[u8]| Error::AttributeValue(value.into(), name.into());
        let attributes = &mut self.attributes;
        match name.to_ascii_lowercase().as_slice() {
            b"weight" => {
                let weight = parse_f64(&value).filter(|weight| *weight >= 0.0);
                attributes.weight = weight.ok_or_else(|| bad(&value))?;
            }
            b"slop" => {
                let slop = parse_i64(&value).filter(|slop| *slop >= -1);
                attributes.slop = Some(slop.ok_or_else(|| bad(&value))?).filter(|slop| *slop >= 0);
            }
            b"inorder" => attributes.in_order = truth(&value).ok_or_else(|| bad(&value))?,
            b"phonetic" => {
                attributes.phonetic = Some(truth(&value).ok_or_else(|| bad(&value))?);
            }
            _ => return self.apply_to_vectors(name, value),
        }
        Ok(())
    }

    fn apply_to_vectors(&mut self, name: &[u8], value: Box<[u8]>) -> Result<(), Error> {
        let names = name.eq_ignore_ascii_case(b"yield_distance_as") && !value.is_empty();
        match &mut self.kind {
            Kind::Knn(knn) if names => {
                if knn.named {
                    return Err(Error::DistanceTwice(knn.distance.clone(), value));
                }
                knn.distance = value;
                knn.named = true;
            }
            Kind::Within(within) if names => {
                if let Some(distance) = within.distance.clone() {
                    return Err(Error::DistanceTwice(distance, value));
                }
                within.distance = Some(value);
            }
            Kind::Knn(knn) => knn.options.push(VectorOption { name: name.into(), value }),
            Kind::Within(within) => within.options.push(VectorOption { name: name.into(), value }),
            Kind::All
            | Kind::And(_)
            | Kind::Exact(_)
            | Kind::Geo(_)
            | Kind::Keys(_)
            | Kind::Missing(_)
            | Kind::Not(_)
            | Kind::Nothing
            | Kind::Numeric(_)
            | Kind::Optional(_)
            | Kind::Or(_)
            | Kind::Tags(..)
            | Kind::Text(_) => return Err(Error::Attribute(name.into())),
        }
        Ok(())
    }
}

fn truth(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"true" | b"1" => Some(true),
        b"false" | b"0" => Some(false),
        _ => None,
    }
}
