"""Replies of two servers, or of many, compared byte for byte: what scripts/parity is made of."""
