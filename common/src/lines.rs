//! Long replies of short lines.
//!
//! In RESP2 an array's head, a whole number and a simple string are a line each. A server that is
//! called for every one spends more on the calls than on the lines, so [`Lines`] makes the bytes of
//! many and hands them on together, where the [`Reply`] takes that.
//!
//! ```text
//! *2  *2  :1000  +1.5  *2  :2000  +2.5     one line each
//!  |   |    |      `---------------`----- a part: written as one simple string
//!  `---`----`---------------------------- written by themselves
//! ```

use crate::number::Successive;
use crate::reply::Reply;

/// Bytes of a part from which on it is handed on: that of a server's own blocks.
const PART_BYTES: usize = 1 << 14;

/// Bytes of most rows of a time and a number, for which room is made beforehand.
const ROW_BYTES: usize = 40;

/// The end of a line.
const END: &[u8; 2] = b"\r\n";

/// Lines of RESP2, from the text of a simple string on, without the `+` before it.
#[derive(Debug, Default)]
pub struct Part {
    bytes: Vec<u8>,
    /// Replies that must be owed before the first line, so that none is too much.
    needed: i64,
    /// What the lines owe themselves, minus what they are.
    balance: i64,
}

impl Part {
    /// The lines without the end of the last one, and without the `+` of the first one.
    pub fn text(&self) -> &[u8] {
        self.bytes.strip_suffix(END).unwrap_or(&self.bytes)
    }

    /// The same and a NUL, as C has texts.
    pub fn c_text(&mut self) -> &[u8] {
        let end = self.text().len();
        self.bytes.truncate(end);
        self.bytes.push(0);
        &self.bytes
    }

    /// What is owed behind these lines, if `owed` is owed before; `None` if they are too many.
    pub fn owed_behind(&self, owed: u64) -> Option<u64> {
        let enough = u64::try_from(self.needed).is_ok_and(|needed| owed >= needed);
        owed.checked_add_signed(self.balance).filter(|_| enough)
    }

    /// Counts a line that `within` lines follow as its own.
    #[inline]
    fn count(&mut self, within: usize) {
        self.needed = self.needed.max(1 - self.balance);
        let within = i64::try_from(within).unwrap_or(i64::MAX);
        self.balance = self.balance.saturating_add(within - 1);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        (self.needed, self.balance) = (0, 0);
    }
}

/// Writes arrays, whole numbers and simple strings, as many at a time as the reply takes.
pub struct Lines<'r> {
    reply: &'r mut dyn Reply,
    /// Whether parts are made.
    is_joined: bool,
    /// Begun by the first simple string.
    part: Part,
    /// Of a text that is written by itself.
    text: Vec<u8>,
    numbers: Successive,
}

impl<'r> Lines<'r> {
    /// Lines of `reply`: some `rows` of a number and a text. Nothing else is written before
    /// [`Self::end`].
    pub fn new(reply: &'r mut dyn Reply, rows: usize) -> Self {
        let is_joined = rows > 1 && reply.takes_parts();
        let mut part = Part::default();
        if is_joined {
            part.bytes.reserve(rows.saturating_mul(ROW_BYTES).min(PART_BYTES + PART_BYTES / 8));
        }
        Self { reply, is_joined, part, text: Vec::new(), numbers: Successive::default() }
    }

    /// An array of `len` replies.
    #[inline]
    pub fn array(&mut self, len: usize) {
        if self.part.bytes.is_empty() {
            return self.reply.array(len);
        }
        self.part.count(len);
        self.number(b'*', u64::try_from(len).unwrap_or(u64::MAX));
    }

    /// A whole number.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        if self.part.bytes.is_empty() {
            return self.reply.integer(number);
        }
        self.part.count(0);
        if number < 0 {
            self.part.bytes.extend_from_slice(b":-");
            self.digits(number.unsigned_abs());
        } else {
            self.number(b':', number.unsigned_abs());
        }
    }

    #[inline]
    fn number(&mut self, kind: u8, number: u64) {
        self.part.bytes.push(kind);
        self.digits(number);
    }

    #[inline]
    fn digits(&mut self, number: u64) {
        self.numbers.print(number, &mut self.part.bytes);
        self.part.bytes.extend_from_slice(END);
    }

    /// A simple string, which `print` appends; it has no line end.
    #[inline]
    pub fn text(&mut self, print: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_joined {
            self.text.clear();
            print(&mut self.text);
            return self.reply.line(&self.text);
        }
        if self.part.bytes.len() >= PART_BYTES {
            self.hand_on();
        }
        if !self.part.bytes.is_empty() {
            self.part.bytes.push(b'+');
        }
        self.part.count(0);
        print(&mut self.part.bytes);
        self.part.bytes.extend_from_slice(END);
    }

    /// A double, which is no line in RESP2.
    pub fn double(&mut self, number: f64) {
        if !self.part.bytes.is_empty() {
            self.hand_on();
        }
        self.reply.double(number);
    }

    fn hand_on(&mut self) {
        self.reply.part(&mut self.part);
        self.part.clear();
    }

    /// Writes what was not handed on yet.
    pub fn end(mut self) {
        if !self.part.bytes.is_empty() {
            self.hand_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{Encoder, Protocol};

    /// What is written, line by line.
    enum Line {
        Array(usize),
        Integer(i64),
        Text(&'static [u8]),
        Double(f64),
    }

    fn check(lines: impl Fn() -> Vec<Line>) {
        let (mut plain, mut joined) =
            (Encoder::new(Protocol::Resp2), Encoder::new(Protocol::Resp2));
        let mut writer = Lines::new(&mut joined, 2);
        for line in lines() {
            match line {
                Line::Array(len) => (plain.array(len), writer.array(len)).0,
                Line::Integer(number) => (plain.integer(number), writer.integer(number)).0,
                Line::Text(text) => {
                    plain.line(text);
                    writer.text(|out| out.extend(text));
                }
                Line::Double(number) => (plain.double(number), writer.double(number)).0,
            }
        }
        writer.end();
        assert_eq!(plain.into_bytes(), joined.into_bytes());
    }

    #[test]
    fn joined_lines_are_the_bytes_of_each() {
        use Line::{Array, Double, Integer, Text};
        check(Vec::new);
        check(|| vec![Text(b"")]);
        check(|| vec![Array(3), Text(b""), Text(b""), Integer(7)]);
        check(|| vec![Array(4), Integer(1), Text(b"a"), Double(0.5), Text(b"b")]);
        let row = |time: i64| [Array(2), Integer(time), Text(b"2.5")];
        for rows in [1, 2, 600, 3000] {
            let from = 1_699_999_999_000;
            check(|| [Array(rows)].into_iter().chain((from..).take(rows).flat_map(row)).collect());
            check(|| [Array(rows)].into_iter().chain((-300..).take(rows).flat_map(row)).collect());
            let last = i64::MIN..;
            check(|| {
                [Array(rows)].into_iter().chain(last.clone().take(rows).flat_map(row)).collect()
            });
        }
    }

    #[test]
    fn a_part_knows_what_it_needs_and_leaves() {
        let check = |within: &[usize], owed: u64, expected: Option<u64>| {
            let mut part = Part::default();
            within.iter().for_each(|&within| part.count(within));
            assert_eq!(part.owed_behind(owed), expected, "{within:?}");
        };
        check(&[0], 1, Some(0));
        check(&[0], 0, None);
        check(&[0, 2, 0, 0], 2, Some(0));
        check(&[0, 2, 0], 5, Some(4));
        // The first line is all that is owed: the array behind it is too much.
        check(&[0, 2, 0], 1, None);
    }
}
