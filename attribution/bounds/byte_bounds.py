"""Bounds in bytes of what one state keeps, so that it fits into a message of Kafka.

A text of the contract has at most so many characters, and a character up to six bytes: four in
UTF-8, and six where JSON escapes a control character. So a number of entries bounds no size, and
each list of entries with texts has a bound in bytes beside that number. Ordinary entries never
meet it: they are a tenth of the largest ones, and then the number counts.

The bounds follow from Kafka's limit and are no rules: nobody has to choose them. What is in one
state or one message stays below a million bytes, with keys and the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import json, msgpack

Entry = TypeVar("Entry")

TOUCH_BYTES_PER_KEY_MAX = 200_000
"""Touchpoints under a match key: the answer to a lookup carries all of them."""

CANDIDATE_BYTES_PER_JOURNEY_MAX = 90_000
"""Candidates of a journey. A row of `credits` names their channels up to eight times, and a row of
`attributions` quotes them within quotes."""

RETARGETING_BYTES_PER_JOURNEY_MAX = 90_000
"""Retargeting touchpoints of a journey, beside its candidates."""

WAITING_BYTES_PER_JOURNEY_MAX = 250_000
"""Money and activity that wait for their install."""

MONEY_BYTES_PER_ACCOUNT_MAX = 400_000
"""Money of an account that a link may still move: a thousand payments of ordinary size fit."""

SETTLED_BYTES_PER_ACCOUNT_MAX = 250_000
"""Sales of an account that are settled, beside its money."""

STEP_BYTES_PER_PURCHASE_MAX = 200_000
"""Steps of a transaction."""

REFUND_BYTES_PER_PURCHASE_MAX = 120_000
"""Refunds that wait for their purchase, beside its steps."""

CLAIM_BYTES_PER_PURCHASE_MAX = 150_000
"""What purchases that restore this one claim of themselves, beside its steps."""

INSTALL_BYTES_PER_SITE_HOUR_MAX = 600_000
"""Installs of one hour that a site claims: two thousand of ordinary size fit."""

FEW = 2
"""So many entries fit within every bound, whatever they are: nothing is measured."""

as_written: Callable[[Any], bytes] = json.Encoder().encode
"""How rows are written. Of texts it makes the most bytes, so what fits as a row fits as state."""

as_stored: Callable[[Any], bytes] = msgpack.Encoder().encode
"""How states and records between stages are written."""


def are_within(
    entries: Sequence[Any], bytes_max: int, encode: Callable[[Any], bytes] = as_stored
) -> bool:
    """Whether entries fit within a bound, as they are written."""
    return len(entries) <= FEW or len(encode(entries)) <= bytes_max


def within(
    entries: list[Entry], bytes_max: int, order: Callable[[Entry], Any]
) -> tuple[list[Entry], list[Entry]]:
    """The entries that fit, in their order, and those that are evicted: those that come first in
    `order`. The last one always stays."""
    evicted: list[Entry] = []
    if are_within(entries, bytes_max):
        return entries, evicted
    sizes = [len(as_stored(entry)) for entry in entries]
    total = sum(sizes)
    gone: set[int] = set()
    for number in sorted(range(len(entries)), key=lambda number: order(entries[number]))[:-1]:
        if total <= bytes_max:
            break
        total -= sizes[number]
        gone.add(number)
        evicted.append(entries[number])
    return [entry for number, entry in enumerate(entries) if number not in gone], evicted
