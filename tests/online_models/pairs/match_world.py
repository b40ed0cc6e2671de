"""Installs whose touchpoint is known by ids, as the live pair model learns from them."""

from __future__ import annotations

import random

from schemas.records import MatchExample, MatchPair
from schemas.time import HOUR_MS, MINUTE_MS, LogMs

INSTALLS_PER_HOUR = 60
SOON, LATE = "CLICK 3", "CLICK 9"


def match_examples(
    count: int, seed: int = 1, *, first: int = 0, true_delay: str = SOON, other_delay: str = LATE
) -> list[MatchExample]:
    """Installs behind addresses that others use too. A true click agrees in the user agent nine
    times of ten and mostly has `true_delay`; any other agrees once in five times."""
    rng = random.Random(seed)
    return [_example(rng, first + n, true_delay, other_delay) for n in range(count)]


def _example(rng: random.Random, number: int, true_delay: str, other_delay: str) -> MatchExample:
    size = rng.randint(1, 5)
    match = rng.randrange(size) if rng.random() < 0.6 else -1
    pairs = []
    for at in range(size):
        is_match = at == match
        agent = "same_agent" if rng.random() < (0.9 if is_match else 0.2) else "other_system"
        usual, seldom = (true_delay, other_delay) if is_match else (other_delay, true_delay)
        delay = usual if rng.random() < 0.9 else seldom
        pairs.append(MatchPair(["same_address", agent, delay, f"{delay} north"], is_match))
    ts = LogMs(number * HOUR_MS // INSTALLS_PER_HOUR + 1000 * MINUTE_MS)
    return MatchExample("app", (1, 0, number), ts, pairs)
