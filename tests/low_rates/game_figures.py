"""One small game, taken through all stages as workers would, and what was served there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.history import PayerHistory, payer_history_of
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerReplay
from streams.lab.evaluation.replay.decided_history import DecidedHistory, DecidedOutcomes
from streams.lab.evaluation.served import served_figures
from streams.lab.evaluation.served.verdict import PAYERS_MIN
from streams.lab.simulator.small_game import (
    PLACEBOS,
    SmallGameRules,
    game_records,
    make_players,
)
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics

_LATE_DAYS = 20
"""Placebo campaigns are compared on the installs of so many last days."""


class SmallGameFigures(NamedTuple):
    """Of the predictions by day 7."""

    payers: int
    served: float  # normalised entropy
    best: str
    best_entropy: float
    above_best: tuple[float, float]  # interval of served minus best
    constant: float
    ratio: float
    full_share: float
    placebo_spread: float  # highest over lowest mean chance at the install
    published: int
    under_minimum: int  # of the published versions
    verdict: str


def play(rules: SmallGameRules) -> SmallGameFigures:
    """The figures of one game. The same rules give the same figures."""
    decided = decided_game(rules)
    own = payer_history_of(decided)
    replay = PayerReplay(own.log, own.features, PayerModels(river=None), own.begin_ms)
    replay.run(min(own.until_ms, int(own.log.asks.time[-1])) + 1, lambda _: None)
    found = served_figures(own, replay.predictions(), rules.seed)
    best = found.get("best_baseline", "constant")
    low, high = found["intervals"].get("served_minus_best", (np.nan, np.nan))
    published, under = _publications(decided)
    return SmallGameFigures(
        payers=found["served"]["payers"],
        served=_number(found["served"]["ne"]),
        best=best,
        best_entropy=_number(found["baselines"][best]),
        above_best=(_number(low), _number(high)),
        constant=_number(found["baselines"]["constant"]),
        ratio=_number(found["served"]["ratio"]),
        full_share=found["served"]["full_share"],
        placebo_spread=_placebo_spread(own),
        published=published,
        under_minimum=under,
        verdict=found["verdict"],
    )


def decided_game(rules: SmallGameRules) -> DecidedHistory:
    """What all stages decide of the game, with the usual rules of models."""
    outcomes = DecidedOutcomes()
    stages = stage_rules(read_settings({}))
    Replay(stages, outcomes.take, StageMetrics()).run(_records(rules), SourceOrder(records=1))
    return outcomes.finished()


def _records(rules: SmallGameRules) -> Iterator[MemoryRecord]:
    ends: dict[str, int] = defaultdict(int)
    for one in game_records(rules, make_players(rules)):
        assert one.timestamp_ms is not None
        offset = ends[one.topic]
        ends[one.topic] += 1
        yield MemoryRecord(one.topic, 0, offset, one.timestamp_ms, one.key, one.value)


def _publications(decided: DecidedHistory) -> tuple[int, int]:
    """Versions of the payer model that were published, and those on too few payers."""
    published = [
        row for row in decided.versions if row.model == "payer" and row.state == "published"
    ]
    under = [row for row in published if row.figures.get("positives", 0.0) < PAYERS_MIN]
    return len(published), len(under)


def _placebo_spread(own: PayerHistory) -> float:
    """Between campaigns that make no difference."""
    campaign = {one.key: one.campaign_id for one in own.decided.installs}
    since = own.decided.installs[-1].install_time - _LATE_DAYS * DAY_MS
    chances: dict[str, list[float]] = defaultdict(list)
    for row in own.decided.predictions:
        if row.landmark == LANDMARKS[0].name and row.predicted_at >= since:
            chances[campaign.get(row.key, "")].append(row.chances.get("d7", 0.0))
    means = [float(np.mean(chances[name])) for name in PLACEBOS if chances[name]]
    return max(means) / max(min(means), 1e-9) if means else float("nan")


def _number(figure: Any) -> float:
    return float("nan") if figure is None else float(figure)
