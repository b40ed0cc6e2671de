"""Shares of all ids: which installs are judged, or answered for by a challenger.

One function for every share, each with a salt of its own. CRC32 would not do: it is linear, so that
two of its shares are nested or disjoint whatever the salts. `examples/buckets.json` has values for
other languages.
"""

from __future__ import annotations

from hashlib import blake2b

BUCKETS = 2**64


def bucket_of_id(salt: str, id_: str) -> int:
    """A number below `BUCKETS`: the first 8 bytes, big-endian, of BLAKE2b with a digest of 8 bytes
    over the UTF-8 of the salt, a colon and the id."""
    text = f"{salt}:{id_}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def salt_prefix(salt: str) -> bytes:
    """What stands before every id under a salt: worked out once where many ids are asked for."""
    return f"{salt}:".encode(errors="surrogatepass")


def bucket_of_bytes(prefix: bytes, id_: bytes) -> int:
    """`bucket_of_id` of a prefix and an id that are bytes already."""
    return int.from_bytes(blake2b(prefix + id_, digest_size=8).digest())


def is_in_share(salt: str, id_: str, share: float) -> bool:
    """Whether an id is in a share of all: the same at every time, and on every worker. Shares of
    one salt are nested, those of different salts independent."""
    return share > 0.0 and bucket_of_id(salt, id_) < share * BUCKETS
