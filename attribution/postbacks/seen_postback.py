"""Which postbacks were seen before. Devices send each up to nine times in nine days (Apple,
Receiving postbacks in multiple conversion windows), and anybody can send one again."""

from __future__ import annotations

from msgspec import Struct

from attribution.matching.facts import MatchFact, Settled
from attribution.rules.rules import Rules
from schemas.records import PostbackSeen
from schemas.time import LogMs


class SeenPostback(Struct, frozen=True, array_like=True, tag=4):
    ts: LogMs  # log time of the first copy


def count_postback(
    state: SeenPostback | None, seen: PostbackSeen
) -> tuple[SeenPostback, list[MatchFact]]:
    if state is None:
        return SeenPostback(seen.ts), [Settled(seen.source, "decided")]
    return state, [Settled(seen.source, "duplicate")]


def postback_useless_from(state: SeenPostback, rules: Rules) -> LogMs:
    """Log time from which the postback may be forgotten. A copy after that is settled once more;
    its rows still share their id, so they count once."""
    return state.ts + rules.postback_retention_ms
