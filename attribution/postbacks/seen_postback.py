"""Recognises copies of postbacks.

Devices send each postback up to nine times in nine days (Apple, Receiving postbacks in multiple
conversion windows), and anybody can send one again.
"""

from __future__ import annotations

from msgspec import Struct

from attribution.matching.facts import MatchFact, Settled
from attribution.rules.rules import Rules
from schemas.records import PostbackSeen
from schemas.time import LogMs


class SeenPostback(Struct, frozen=True, array_like=True, tag=4):
    """A postback that was received."""

    ts: LogMs  # log time of the first copy


def count_postback(
    state: SeenPostback | None, seen: PostbackSeen
) -> tuple[SeenPostback, list[MatchFact]]:
    """Settle the first copy as decided, and every further one as a duplicate."""
    if state is None:
        return SeenPostback(seen.ts), [Settled(seen.source, "decided")]
    return state, [Settled(seen.source, "duplicate")]


def postback_expires_at(state: SeenPostback, rules: Rules) -> LogMs:
    """Log time from which a postback may be forgotten.

    A copy after that is settled once more, but its row has the same id, so it still counts once.
    """
    return state.ts + rules.postback_retention_ms
