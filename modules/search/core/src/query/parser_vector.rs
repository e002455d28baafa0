//! Vectors in a query.
//!
//! ```text
//! knn      'KNN' (number | $number) @field $vector (name value)* ['AS' name] ']'
//! ```

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token is one of those that may stand there, or wrong"
)]

use keyspan_common::number::parse_i64;

use super::lexer::{Sort, Token, unescape};
use super::parser::Parser;
use super::{Error, Kind, Knn, Node, VectorOption, Within};

type Bytes = Box<[u8]>;

impl<'a> Parser<'a> {
    /// `=>[` was taken; what stood before it is the filter.
    pub(super) fn knn(&mut self, filter: Option<Node>) -> Result<Node, Error> {
        let command = self.expect(Sort::Term)?;
        let k = self.size()?;
        let field = unescape(self.expect(Sort::Modifier)?.text);
        let (parameter, blob) = self.blob()?;
        if !command.text.eq_ignore_ascii_case(b"KNN") {
            return Err(expecting("Vector Similarity command", command));
        }
        let mut knn = Knn {
            filter,
            k,
            parameter,
            blob,
            distance: [b"__", &*field, b"_score"].concat().into(),
            named: false,
            options: Vec::new(),
            field,
        };
        self.options(&mut knn)?;
        Ok(self.node(Kind::Knn(Box::new(knn))))
    }

    fn options(&mut self, knn: &mut Knn) -> Result<(), Error> {
        loop {
            let token = self.next();
            match token.sort {
                Sort::RightBracket => return Ok(()),
                Sort::Term if token.text.eq_ignore_ascii_case(b"AS") => {
                    knn.distance = self.text()?;
                    knn.named = true;
                    return self.expect(Sort::RightBracket).map(drop);
                }
                Sort::Term => {
                    let option = VectorOption { name: token.text.into(), value: self.text()? };
                    knn.options.push(option);
                }
                _ => return Err(Self::wrong(token)),
            }
        }
    }

    /// `[` was taken, and a word follows.
    pub(super) fn vector_range(&mut self, field: Box<[u8]>) -> Result<Node, Error> {
        let command = self.expect(Sort::Term)?;
        let radius = self.number()?;
        let (parameter, blob) = self.blob()?;
        self.expect(Sort::RightBracket)?;
        if !command.text.eq_ignore_ascii_case(b"VECTOR_RANGE") {
            return Err(expecting("Vector Range command", command));
        }
        let options = Vec::new();
        let within = Within { field, radius, parameter, blob, distance: None, options };
        Ok(self.node(Kind::Within(Box::new(within))))
    }

    /// The name of a parameter and its value.
    fn blob(&mut self) -> Result<(Bytes, Bytes), Error> {
        let name = self.expect(Sort::Attribute)?.text;
        let blob = self.reading.params.value(name).map(Box::from);
        Ok((name.into(), self.value(blob)))
    }

    /// How many are wanted. What does not fit into 64 bits is 0, as observed.
    fn size(&mut self) -> Result<u64, Error> {
        let token = self.next();
        match token.sort {
            Sort::Number if token.text.iter().all(u8::is_ascii_digit) => Ok(size(token.text)),
            Sort::Attribute => {
                let value = self.reading.params.value(token.text);
                let number = value.and_then(|value| {
                    let number = parse_i64(value).and_then(|number| u64::try_from(number).ok());
                    number.ok_or_else(|| Error::NumericParameter(value.into(), token.text.into()))
                });
                Ok(self.value(number))
            }
            _ => Err(Self::wrong(token)),
        }
    }

    /// A word, a number, or what a parameter stands for.
    pub(super) fn text(&mut self) -> Result<Box<[u8]>, Error> {
        let token = self.next();
        match token.sort {
            Sort::Term | Sort::Number => Ok(unescape(token.text)),
            Sort::Attribute => {
                let value = self.reading.params.value(token.text).map(Box::from);
                Ok(self.value(value))
            }
            _ => Err(Self::wrong(token)),
        }
    }
}

fn size(digits: &[u8]) -> u64 {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn expecting(what: &'static str, token: Token<'_>) -> Error {
    Error::Expecting(what, token.offset, token.text.into())
}
