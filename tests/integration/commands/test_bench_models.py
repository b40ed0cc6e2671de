"""`headwater bench --models` measures the payer model beside others in one run, without Kafka."""

from __future__ import annotations

import importlib.util
import json

from click.testing import CliRunner

from streams.cli import headwater

NUMBA, WABBIT = (importlib.util.find_spec(name) for name in ("numba", "vowpalwabbit"))


def test_bench_models_says_speed_size_and_loss_of_all_contestants() -> None:
    done = CliRunner().invoke(headwater, ["bench", "--models", "--events", "8000", "--json"])

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert set(report) >= {
        "score_per_second",
        "learn_rows_per_second",
        "checkpoint_ms",
        "checkpoint_mb",
        "river_score_per_second",
        "vw_score_per_second",
    }
    for name in ("", "as_river_", "river_", "river_bare_", *(["vw_"] if WABBIT else [])):
        for figure in ("score_per_second", "bin_score_per_second", "learn_rows_per_second"):
            assert report[f"{name}{figure}"] > 0
        assert 0 < report[f"{name}log_loss"] < 1
    for name in ("pack", "packed_score", "packed_learn_rows"):
        assert report[f"{name}_per_second"] > 0
    if not WABBIT:
        assert report["vw_score_per_second"] is report["vw_log_loss"] is None
    assert report["kernel"] == ("numba" if NUMBA else "numpy")
    assert 0 < report["checkpoint_mb"] < 20


def test_the_same_seed_gives_the_same_quality() -> None:
    command = ["bench", "--models", "--events", "4000", "--seed", "3", "--json"]
    first, second = (json.loads(CliRunner().invoke(headwater, command).stdout) for _ in range(2))

    for figure in ("log_loss", "river_log_loss", "calibration_ratio", "ece", "auc"):
        assert first[figure] == second[figure]
