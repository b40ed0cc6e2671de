"""Charts are files that any browser shows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from schemas.time import DAY_MS
from streams.lab.evaluation.payer.charts import daily_ratio, write_payer_charts
from streams.lab.evaluation.payer.judged_predictions import JudgedPredictions
from streams.lab.evaluation.payer.payer_models import CHALLENGERS, PAYER_TIERS
from streams.lab.evaluation.payer.runs import PayerRun


def judged() -> JudgedPredictions:
    rng = np.random.default_rng(1)
    true = rng.random(400) * 0.2
    return JudgedPredictions(
        rng.integers(0, 5, 400),
        rng.integers(0, 20 * DAY_MS, 400),
        true,
        rng.random(400) < true,
        dict.fromkeys((*PAYER_TIERS, *CHALLENGERS), true * 0.9),
    )


def test_each_run_has_three_charts(tmp_path: Path) -> None:
    write_payer_charts(PayerRun("agents", "steady", judged(), judged()), tmp_path / "charts")

    names = sorted(path.name for path in (tmp_path / "charts").iterdir())
    assert names == [
        "calibration-agents-steady.svg",
        "gain-agents-steady.svg",
        "reliability-agents-steady.svg",
    ]
    for name in names:
        ElementTree.parse(tmp_path / "charts" / name)


def test_the_ratio_by_day_is_what_was_said_over_what_is_true() -> None:
    assert [ratio for _, ratio in daily_ratio(judged(), "full")] == pytest.approx([0.9] * 20)
