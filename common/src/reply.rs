//! Replies before they are RESP2 or RESP3.

use crate::lines::Part;

/// One client's reply, written front to back: after `array(n)` come `n` replies.
///
/// What RESP2 lacks is written as Redis does: a map as an array of keys and values, a set as an
/// array, a boolean as 1 or 0, a double, a big number and a verbatim string as bulk strings.
pub trait Reply {
    /// Whether the client speaks RESP3, where the shape of a reply depends on it.
    fn is_resp3(&self) -> bool;
    /// `_` or the RESP2 null bulk string.
    fn null(&mut self);
    /// `_` or the RESP2 null array.
    fn null_array(&mut self);
    /// `+text`; `text` must not hold a line end.
    fn simple(&mut self, text: &'static str);
    /// `+text`, where the text is not known beforehand: what would end the line becomes a blank.
    fn line(&mut self, text: &[u8]);
    /// `$bytes`.
    fn bulk(&mut self, bytes: &[u8]);
    /// `:number`.
    fn integer(&mut self, number: i64);
    /// `,number` or a bulk string.
    fn double(&mut self, number: f64);
    /// `#t`/`#f` or 1/0.
    fn boolean(&mut self, value: bool);
    /// `(digits` or a bulk string.
    fn big_number(&mut self, digits: &str);
    /// An array of `len` replies.
    fn array(&mut self, len: usize);
    /// A map of `len` pairs of replies.
    fn map(&mut self, len: usize);
    /// A set of `len` replies.
    fn set(&mut self, len: usize);

    /// `-text`, as an element of an array: the error of a whole command is its `Err`.
    fn error(&mut self, text: &str);

    /// Whether [`Self::part`] may be called: the client speaks RESP2, and bytes reach it as they are.
    fn takes_parts(&mut self) -> bool;
    /// Lines of RESP2, as [`Lines`](crate::lines::Lines) makes them. If they are more than is owed, or
    /// hold a NUL, nothing is written.
    fn part(&mut self, part: &mut Part);

    /// `+OK`.
    fn ok(&mut self) {
        self.simple("OK");
    }
}
