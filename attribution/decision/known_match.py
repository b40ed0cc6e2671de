"""What an install with ids teaches probabilistic matching: its ids are hidden from the pairs."""

from __future__ import annotations

from attribution.decision.candidates import Candidate
from attribution.decision.waterfall import Case, WaterfallResult, rejection
from attribution.matching.facts import Evicted
from attribution.probabilistic.pair_score import NETWORK, pair_levels
from attribution.rules.rules import Rules
from schemas.records import Installed, MatchExample, MatchPair, Signal

MATCH_PAIRS_MAX = 48
"""Candidates of one install above which it teaches nothing: in such a crowd nobody is told apart,
and an example would be large."""


def match_example(
    candidates: list[Candidate], case: Case, result: WaterfallResult, rules: Rules
) -> MatchExample | Evicted | None:
    """The example; None: the install has no traits or no candidates, or its ids leave open what led
    to it. `candidates`: all of the install, with ids or without.

    An install with a device id that no touchpoint has is known to match none of them, unless a
    probabilistic match was accepted: then nobody knows. So is one whose touchpoint has a device id,
    for such a touchpoint is matched by that id alone.
    """
    install = case.install
    if not install.traits or install.is_sandbox or case.prior is not None or result.robbed:
        return None
    winner = result.winner
    if winner is None and not install.devices:
        return None
    if winner is not None and winner.signal is Signal.PROBABILISTIC:
        return None
    hidden = [Candidate(Signal.PROBABILISTIC, one.touch) for one in candidates]
    pairs = [one for one in hidden if _is_pair(one, install) and not rejection(one, case, rules)]
    if not pairs:
        return None
    if len(pairs) > MATCH_PAIRS_MAX:
        return Evicted("match_pairs_max", 1)
    name = winner.touch.identity if winner else None
    return MatchExample(
        install.app_id,
        install.source,
        install.ts,
        [MatchPair(pair_levels(one.touch, install), one.touch.identity == name) for one in pairs],
    )


def _is_pair(candidate: Candidate, install: Installed) -> bool:
    """Whether both were seen in one network, as matching by network requires."""
    traits = candidate.touch.traits
    return bool(traits) and traits[NETWORK] == install.traits[NETWORK]
