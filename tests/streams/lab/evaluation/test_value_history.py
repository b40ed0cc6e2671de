"""`headwater evaluate value --data`: a history of one's own, in which sources differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from schemas.time import DAY_MS, HOUR_MS
from streams.cli import headwater
from streams.cli.lab.evaluate import evaluate_group
from streams.kafka.kcat import KcatRecord, record_line
from streams.lab.simulator.scenario import START_MS

INSTALLS = 2_400
DAYS = 80


def event(kind: str, event_id: str, time: int, **fields: Any) -> dict[str, Any]:
    named = {"type": kind, "event_id": event_id, "app_id": "shop", "event_time": time}
    return {**named, "schema_version": 1, **fields}


def line(topic: str, number: int, one: dict[str, Any]) -> bytes:
    time = int(one["event_time"])
    return record_line(KcatRecord(topic, 0, number, time, None, orjson.dumps(one)))


def history(folder: Path, installs: int = INSTALLS) -> Path:
    """Installs from Japan pay 20 a day for two days, others 1; one in ten pays in yen."""
    rng = np.random.default_rng(4)
    events: list[tuple[int, str, dict[str, Any]]] = []
    for number in range(installs):
        at = START_MS + int(number * DAYS * DAY_MS / installs)
        country, usd = (("JP", 20), ("DE", 1))[number % 2]
        who = f"i{number}"
        events.append((at, "installs", event("install", f"e{number}", at, install_id=who,
                                           country_code=country, platform="ios")))  # fmt: skip
        for day in range(2):
            if rng.random() < 0.5:
                paid = at + day * DAY_MS + 2 * HOUR_MS
                purchase = event("purchase", f"{who}-{day}", paid, transaction_id=f"{who}-{day}",
                                 install_id=who, amount_micros=usd * 1_000_000,
                                 currency="JPY" if number % 20 == 19 else "USD")  # fmt: skip
                events.append((paid, "payments", purchase))
    end = START_MS + (DAYS + 31) * DAY_MS
    events.append((end, "installs", event("install", "last", end, install_id="last")))
    path = folder / "history.jsonl"
    ordered = sorted(events, key=lambda one: one[0])
    path.write_bytes(b"".join(line(topic, n, one) for n, (_, topic, one) in enumerate(ordered)))
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = history(tmp_path_factory.mktemp("history"))
    run = CliRunner().invoke(evaluate_group, ["value", "--data", str(path), "--json"])
    assert run.exit_code == 0, run.output
    figures: dict[str, Any] = json.loads(run.stdout)
    return figures


def test_everything_is_read_and_other_currencies_are_counted(found: dict[str, Any]) -> None:
    assert found["installs"] == INSTALLS + 1
    assert found["currency"] == "USD"
    assert 0 < found["payments_in_other_currencies"] < 0.1 * found["payments"]
    assert found["is_monotone"] is True


def test_the_model_knows_sources_apart_where_cohorts_do_not(found: dict[str, Any]) -> None:
    at_install = found["d7"]["install"]
    assert at_install["model"]["gini"] > at_install["cohorts"]["gini"] + 0.2
    assert at_install["model"]["total_ratio"] == pytest.approx(1.0, abs=0.15)
    assert at_install["cohorts"]["total_ratio"] == pytest.approx(1.0, abs=0.15)


def test_horizons_that_are_not_over_are_not_judged(found: dict[str, Any]) -> None:
    assert found["d30"]["install"]["predictions"] > 1_000
    assert found["d90"] == {}


def test_too_little_history_is_refused_in_one_line(tmp_path: Path) -> None:
    path = history(tmp_path, 40)
    run = CliRunner().invoke(headwater, ["evaluate", "value", "--data", str(path)])
    assert run.exit_code != 0
    assert "needs 1000 or more" in str(run.exception or run.output)


def test_figures_are_shown_as_tables(tmp_path: Path) -> None:
    run = CliRunner().invoke(evaluate_group, ["value", "--data", str(history(tmp_path, 1_500))])
    assert run.exit_code == 0, run.output
    assert "decile MAPE cohorts" in run.stdout
