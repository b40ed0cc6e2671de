"""Identifiers: the same for the same seed, different for different seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.lab.simulator.draws import IntColumn

HashWords = npt.NDArray[np.uint64]


def hash_words(seed: int, purpose: int, number: IntColumn) -> HashWords:
    """SplitMix64: 64 bits that look random, for each number."""
    salt = ((seed * 0x9E3779B97F4A7C15) ^ (purpose * 0xD1342543DE82EF95)) % 2**64
    word = (number.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    word = word + np.uint64(salt)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def run_prefix(seed: int) -> str:
    """Eight characters before every id of one seed, so that two runs never share an id."""
    return f"{int(hash_words(seed, 1, np.zeros(1, np.int64))[0]) >> 32:08x}"


def device_ids(seed: int, purpose: int, number: IntColumn) -> list[str]:
    """Advertising ids, written as UUIDs."""
    high = hash_words(seed, purpose, number).tolist()
    low = hash_words(seed, purpose + 1, number).tolist()
    texts = (f"{a:016x}{b:016x}" for a, b in zip(high, low, strict=True))
    return [f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in texts]
