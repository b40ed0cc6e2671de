"""A quick game as the evaluation of a history knows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from online_models.features.features import activity_until
from online_models.scoring.landmarks import LANDMARKS
from schemas.outcomes import Prediction
from streams.lab.evaluation.payer.history import PayerHistory, RecordedFeatures
from streams.lab.evaluation.payer.payer_log import make_payer_log
from streams.lab.evaluation.payer.payer_replay import PayerPredictions
from streams.lab.evaluation.replay.decided_history import (
    DecidedHistory,
    DecidedInstall,
    ServedPrediction,
)
from streams.lab.simulator.paying_worlds import PaymentReports
from tests.low_rates.quick_game import LANDMARK_OF, Install, QuickGame


def _features(installs: Sequence[Install]) -> RecordedFeatures:
    """Activity alone, which is all that baselines ask for."""
    decided = [_decided(one) for one in installs]
    known = {
        of.key: {
            mark.name: activity_until(mark.name, one.state.tally.buckets[:number])
            for number, mark in enumerate(LANDMARKS)
            if number
        }
        for one, of in zip(installs, decided, strict=True)
    }
    return RecordedFeatures(decided, known)


def history_of(game: QuickGame) -> PayerHistory:
    """As `evaluate payer --data` has it of a replay."""
    times = np.array([one.facts.installed_at for one in game.installs])
    rows = [
        (number, one.paid_at - one.facts.installed_at, one.paid_at - one.facts.installed_at, number)
        for number, one in enumerate(game.installs)
        if one.paid_at
    ]
    rows.sort(key=lambda row: (row[2], row[0]))
    decided = DecidedHistory(
        installs=[_decided(one) for one in game.installs],
        predictions=[_answered(answer) for _, answer, _ in game.served],
        versions=game.versions,
        until_ms=game.end_ms,
    )
    return PayerHistory(
        log=make_payer_log(times, PaymentReports(*np.array(rows, np.int64).reshape(-1, 4).T)),
        features=_features(game.installs),
        begin_ms=int(times[0]),
        until_ms=game.end_ms,
        installs=len(game.installs),
        payers=len(rows),
        installed_at=times,
        decided=decided,
    )


def rates_of(game: QuickGame) -> PayerPredictions:
    """What rates that learn by the hour answered of the same installs."""
    horizons = ("d7", "d30")
    return PayerPredictions(
        install=np.array([number for number, _, _ in game.served], np.int64),
        landmark=np.array([LANDMARK_OF[answer.landmark] for _, answer, _ in game.served], np.int64),
        time=np.array([answer.predicted_at for _, answer, _ in game.served], np.int64),
        predicted={
            "rates": np.array(
                [[by.get(name, np.nan) for name in horizons] for _, _, by in game.served]
            )
        },
    )


def _decided(one: Install) -> DecidedInstall:
    facts, credit = one.facts, one.credit
    return DecidedInstall(
        install_id=facts.install_id,
        version=1,
        conversion_type="install",
        app_id=facts.app_id,
        platform=facts.platform,
        country_code=facts.country_code,
        install_time=facts.installed_at,
        media_source=credit.media_source,
        campaign_id=credit.campaign_id,
    )


def _answered(answer: Prediction) -> ServedPrediction:
    return ServedPrediction(
        app_id=answer.app_id,
        install_id=answer.install_id,
        target=answer.target,
        landmark=answer.landmark,
        chances=dict(answer.chances),
        tier=answer.tier,
        model_version=answer.model_version,
        predicted_at=answer.predicted_at,
    )
