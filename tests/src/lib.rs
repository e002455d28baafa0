//! Real servers, raw RESP: starts them, plays transcripts, compares bytes.
