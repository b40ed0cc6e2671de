"""Mutants of valid events, in bytes and in fields, and the judge of what decoding says of them."""
