"""Fair eviction: what a full list keeps, so that a flood costs only whoever sends it.

Entries are ranked within their site, latest first, and then within their media source, site by
site in turn. So a network that floods from one site, or from many made-up ones, evicts its own
entries before anybody else's. Of every source the first clicks go first, then its first views, then
the clicks beyond, then the views beyond: views never cost a source its first clicks, and a source
that sends only views is not evicted by another's clicks.

What is kept is a function of the set of entries, in whatever order they arrived and were evicted:
one more entry in a site or source never improves the rank of any other, and never lowers how many
entries rank before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from attribution.bounds.byte_bounds import (
    TOUCH_BYTES_PER_KEY_MAX,
    are_within,
    as_written,
)
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import Touch, TouchKind
from schemas.time import LogMs

_T = TypeVar("_T")
_CLICK = TouchKind.CLICK

FIRST_CLICKS = 16
"""Clicks of a source that go before any view: one more than `engagements_max`, so that a flood of
clicks is still seen to be one."""

FIRST_VIEWS = 4
"""Views of a source that go before the clicks that a source has beyond `FIRST_CLICKS`."""


Sender = tuple[str, bool, str]
"""Media source, whether the entry is a click, and site."""


class Ranking(NamedTuple, Generic[_T]):
    """How a list ranks its entries."""

    sender: Callable[[_T], Sender]
    order: Callable[[_T], Any]  # of entries of one sender: the highest is kept longest


def fair_share(
    entries: Sequence[_T], limit: int, ranking: Ranking[_T]
) -> tuple[Sequence[_T], list[_T]]:
    """The entries that a list of `limit` keeps, in their order, and those that it evicts."""
    if limit <= 0:
        return [], list(entries)
    evicted: list[_T] = []
    kept = list(entries) if len(entries) > limit else entries
    while len(kept) > limit:
        last = _last(kept, ranking)
        evicted.append(kept[last])
        kept = [*kept[:last], *kept[last + 1 :]]
    return kept, evicted


def share_of_bytes(
    entries: Sequence[_T], bytes_max: int, ranking: Ranking[_T]
) -> tuple[Sequence[_T], list[_T]]:
    """The entries that fit within a bound in bytes, in their order, and those that are evicted.

    The source that takes the most bytes gives way, of it the site that takes the most, and of that
    the largest entry, the oldest among those of about one size. So long texts cost whoever sends
    them, under as many names as he likes, and never an entry of ordinary size.
    """
    evicted: list[_T] = []
    if are_within(entries, bytes_max, as_written):
        return entries, evicted
    kept = list(entries)
    sizes = [len(as_written(entry)) for entry in kept]
    total = sum(sizes)
    while total > bytes_max and len(kept) > 1:
        heaviest = _heaviest(kept, sizes, ranking)
        total -= sizes.pop(heaviest)
        evicted.append(kept.pop(heaviest))
    return kept, evicted


def _heaviest(entries: Sequence[_T], sizes: Sequence[int], ranking: Ranking[_T]) -> int:
    senders = [ranking.sender(entry) for entry in entries]
    by_site: Counter[Sender] = Counter()
    by_source: Counter[tuple[str, bool]] = Counter()
    for sender, size in zip(senders, sizes, strict=True):
        by_site[sender] += size
        by_source[sender[:2]] += size
    source = max(by_source, key=lambda one: (by_source[one], one))
    site = max((one for one in by_site if one[:2] == source), key=lambda one: (by_site[one], one))
    eligible = [number for number, sender in enumerate(senders) if sender == site]
    largest = max(sizes[number].bit_length() for number in eligible)
    return min(
        (number for number in eligible if sizes[number].bit_length() == largest),
        key=lambda number: ranking.order(entries[number]),
    )


def _last(entries: Sequence[_T], ranking: Ranking[_T]) -> int:
    """Index of the entry that ranks last: the oldest of the largest site of the largest source."""
    senders = [ranking.sender(entry) for entry in entries]
    by_site = Counter(senders)
    by_source: Counter[tuple[str, bool]] = Counter()
    for (media_source, is_click, _), count in by_site.items():
        by_source[media_source, is_click] += count
    deepest = max(_depth(count, is_click=source[1]) for source, count in by_source.items())
    sites = {
        sender: count
        for sender, count in by_site.items()
        if _depth(by_source[sender[:2]], is_click=sender[1]) == deepest
    }
    largest = max(sites.values())
    eligible = [number for number, sender in enumerate(senders) if sites.get(sender) == largest]
    return min(eligible, key=lambda number: ranking.order(entries[number]))


def _depth(count: int, *, is_click: bool) -> tuple[int, int]:
    """Where the last of so many clicks or views of one source ranks."""
    if is_click:
        return (0 if count <= FIRST_CLICKS else 2), count
    return (1 if count <= FIRST_VIEWS else 3), count


def sender_of(touch: Touch) -> Sender:
    """Who sent a touchpoint."""
    return touch.media_source, touch.kind is _CLICK, touch.site_id


LATEST_TOUCHES: Ranking[Touch] = Ranking(
    sender_of, lambda touch: (touch.time, touch.event_id, touch.kind)
)
"""Touchpoints, the latest first."""


def touches_within_bounds(
    touches: list[Touch], now: LogMs, rules: Rules
) -> tuple[list[Touch], list[Evicted]]:
    """At a bound, drop touchpoints too old to matter, and evict and count by a fair share."""
    limit = rules.touches_per_key_max
    if len(touches) <= limit and are_within(touches, TOUCH_BYTES_PER_KEY_MAX, as_written):
        return touches, []
    recent = [one for one in touches if one.ts + rules.touch_retention_ms >= now]
    kept, beyond = fair_share(recent, limit, LATEST_TOUCHES)
    small, large = share_of_bytes(kept, TOUCH_BYTES_PER_KEY_MAX, LATEST_TOUCHES)
    evicted = [
        Evicted(bound, len(gone))
        for bound, gone in (("touches_per_key_max", beyond), ("touch_bytes_per_key_max", large))
        if gone
    ]
    return list(small), evicted
