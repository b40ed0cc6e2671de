"""What was served in one small game, judged beside what anybody could have said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct

from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS
from streams.lab.evaluation.payer.history import PayerHistory, payer_history_of
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerPredictions, PayerReplay
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
from tests.low_rates.quick_game import play_quickly
from tests.low_rates.quick_history import history_of, rates_of

_LATE_DAYS = 20
"""Placebo campaigns are compared on the installs of so many last days."""


class HorizonFigures(Struct, frozen=True):
    """Normalised entropies, and what was served beside the best simple baseline."""

    payers: int
    served: float
    best: str
    baselines: dict[str, float]
    above_best: tuple[float, float, float]  # served minus best, and its interval
    ratio: float  # predicted over actual payers
    full_share: float  # of the predictions: answered by the model


class SmallGameFigures(Struct, frozen=True):
    installs: int
    rate: float
    seed: int
    d7: HorizonFigures
    d30: HorizonFigures
    placebo_spread: float  # highest over lowest mean chance at the install
    published: int
    under_minimum: int  # of the published versions
    verdict: str


def play(rules: SmallGameRules, *, is_staged: bool = False) -> SmallGameFigures:
    """The figures of one game. The same rules give the same figures. `is_staged`: taken through
    all stages as workers would, which takes ten times as long."""
    if is_staged:
        decided = decided_game(rules)
        own = payer_history_of(decided)
        replay = PayerReplay(own.log, own.features, PayerModels(river=None), own.begin_ms)
        replay.run(min(own.until_ms, int(own.log.asks.time[-1])) + 1, lambda _: None)
        return _figures(rules, own, replay.predictions())
    game = play_quickly(rules)
    return _figures(rules, history_of(game), rates_of(game))


def _figures(rules: SmallGameRules, own: PayerHistory, rates: PayerPredictions) -> SmallGameFigures:
    found = served_figures(own, rates, rules.seed)
    published, under = _publications(own.decided)
    return SmallGameFigures(
        installs=rules.installs,
        rate=rules.rate,
        seed=rules.seed,
        d7=_of_horizon(found),
        d30=_of_horizon(found["d30"]),
        placebo_spread=_placebo_spread(own),
        published=published,
        under_minimum=under,
        verdict=found["verdict"],
    )


def _of_horizon(found: dict[str, Any]) -> HorizonFigures:
    served, best = found["served"], found.get("best_baseline", "constant")
    low, high = found["intervals"].get("served_minus_best", (np.nan, np.nan))
    baselines = {name: _number(one) for name, one in found["baselines"].items()}
    return HorizonFigures(
        payers=served["payers"],
        served=_number(served["ne"]),
        best=best,
        baselines=baselines,
        above_best=(_number(served["ne"]) - baselines[best], _number(low), _number(high)),
        ratio=_number(served["ratio"]),
        full_share=served["full_share"],
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
    under = [row for row in published if row.figures.get("positives_learned", 0.0) < PAYERS_MIN]
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
