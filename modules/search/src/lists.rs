//! Replies in RESP3 with the shape of RESP2, as valkey-search gives them.

use keyspan_common::lines::Part;
use keyspan_common::reply::Reply;
use keyspan_search_core::print::general;

use crate::settings::is_resp3_family_valkey;

/// Digits that tell any double, as servers print them in RESP2.
const DIGITS: usize = 17;

/// Writes a reply in the shape that `resp3-family` asks for.
pub(crate) fn shaped(reply: &mut dyn Reply, write: impl FnOnce(&mut dyn Reply)) {
    if reply.is_resp3() && is_resp3_family_valkey() {
        write(&mut Lists(reply));
    } else {
        write(reply);
    }
}

/// A reply without maps, sets and doubles.
struct Lists<'a>(&'a mut dyn Reply);

impl Reply for Lists<'_> {
    fn is_resp3(&self) -> bool {
        false
    }

    fn null(&mut self) {
        self.0.null();
    }

    fn null_array(&mut self) {
        self.0.null_array();
    }

    fn simple(&mut self, text: &'static str) {
        self.0.simple(text);
    }

    fn line(&mut self, text: &[u8]) {
        self.0.line(text);
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.0.bulk(bytes);
    }

    fn integer(&mut self, number: i64) {
        self.0.integer(number);
    }

    fn double(&mut self, number: f64) {
        self.0.bulk(general(number, DIGITS).as_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.0.integer(i64::from(value));
    }

    fn big_number(&mut self, digits: &str) {
        self.0.bulk(digits.as_bytes());
    }

    fn array(&mut self, len: usize) {
        self.0.array(len);
    }

    fn map(&mut self, len: usize) {
        self.0.array(len.saturating_mul(2));
    }

    fn set(&mut self, len: usize) {
        self.0.array(len);
    }

    fn error(&mut self, text: &str) {
        self.0.error(text);
    }

    fn takes_parts(&mut self) -> bool {
        self.0.takes_parts()
    }

    fn part(&mut self, part: &mut Part) {
        self.0.part(part);
    }
}
