"""The whole learner of matches as named parts, so that it goes on bit for bit where it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from online_models.pairs.match_gate import MatchTrial
from online_models.pairs.match_model import MATCHES, load_match_model
from online_models.pairs.pair_classifier import LevelCounts
from online_models.pairs.pair_weights import Calibration, ScoredInstall
from online_models.persistence.arrays import pack_numbers, unpack_numbers
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from schemas.time import LogMs

if TYPE_CHECKING:  # It calls these functions.
    from online_models.pairs.match_learner import MatchLearner

MATCH_HEAD = "head"
"""Name of the only part."""


class MatchesSeen(Struct, array_like=True):
    """Installs since the beginning of the log."""

    seen: int = 0
    matches: int = 0
    skipped: int = 0
    tried_at: int = 0  # `seen` when a version was tried last
    tried_ts: LogMs = LogMs(0)
    hour: int = 0  # of log time, in which installs were learned last
    in_hour: int = 0
    left_out: int = 0  # installs beyond the bound of their hour


class MatchHead(Struct, frozen=True, array_like=True):
    """What is stored of a learner. Bytes are little-endian float64."""

    counts: MatchesSeen
    levels: LevelCounts
    scores: list[bytes]
    matches: list[int]  # of each install that has scores
    trials: bytes  # three numbers of each
    calibration: Calibration
    champion: bytes  # b"": none
    rules: dict[str, float]  # the weights that trials were judged beside


MATCH_LEARNER = Layout(f"{MATCHES}/learner/1", MatchHead, "the head of a learner of matches")


def dump_match_learner(learner: MatchLearner) -> dict[str, bytes]:
    head = MatchHead(
        counts=learner.counts,
        levels=learner.classifier.counts,
        scores=[pack_numbers(one.scores) for one in learner.scored],
        matches=[one.match for one in learner.scored],
        trials=pack_numbers(number for trial in learner.trials for number in trial),
        calibration=learner.calibration,
        champion=learner.champion_content,
        rules=_rules_of(learner),
    )
    return {MATCH_HEAD: MATCH_LEARNER.dump(head).content}


def fill_match_learner(learner: MatchLearner, parts: Mapping[str, bytes]) -> Unusable | None:
    """Let a new learner go on from these parts. What was judged beside other rules is left out."""
    opened = MATCH_LEARNER.load(parts.get(MATCH_HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    head = opened.body
    scores = [unpack_numbers(one) for one in head.scores]
    trials = unpack_numbers(head.trials)
    if trials is None or len(trials) % 3 or len(scores) != len(head.matches):
        return Unusable("three numbers for every trial expected, and a match for all scores")
    for found, match in zip(scores, head.matches, strict=True):
        if not found or not -1 <= match < len(found):
            return Unusable("a match without a score")
        learner.scored.append(ScoredInstall(found, match))
    if head.rules == _rules_of(learner):
        learner.trials.extend(MatchTrial(*trials[at : at + 3]) for at in range(0, len(trials), 3))
    learner.counts, learner.classifier.counts = head.counts, head.levels
    learner.calibration = head.calibration
    if head.champion:
        champion = load_match_model(head.champion)
        if isinstance(champion, Unusable):
            return Unusable(f"live version inside is unusable: {champion.reason}")
        learner.champion, learner.champion_content = champion, head.champion
    return None


def _rules_of(learner: MatchLearner) -> dict[str, float]:
    weights = learner.rules.in_force
    return weights.odds | weights.calibration._asdict()
