"""Targets that somebody declared in a file: predicted, learned, published and explained, and no
code knows them by name."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS
from streams.cli import headwater
from streams.lab.demo.demo import demo_environment
from streams.operations.explain.explanation import Explanation, explain_id
from streams.operations.explain.explanation_text import explanation_text
from streams.settings import Settings, read_settings
from streams.wiring.store import stored
from tests.documents.document import blocks_in

pytest.importorskip("chdb", reason="the embedded store is not installed")

EVENTS = 40_000  # Two thousand installs: a version of retention needs a thousand labels.
TARGETS = """
[[target]]
name = "retention_d7"
event = "activity"
edges = ["7d", "8d"]
horizons = { d7 = "8d" }
prior = 0.2
proven_positives = 50
actions = [{ name = "push", cost = 0.006, benefit = 0.1 }]

[[target]]
name = "retention_d30"
event = "activity"
edges = ["30d", "31d"]
horizons = { d30 = "31d" }
prior = 0.1
"""
RETENTION = ("retention_d7", "retention_d30")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traffic of more than a month, replayed with two targets in a file."""
    folder = tmp_path_factory.mktemp("targets")
    (folder / "targets.toml").write_text(TARGETS)
    traffic = folder / "traffic.jsonl"
    environ = {"HEADWATER_TARGETS": str(folder / "targets.toml")}
    for arguments in (
        ["simulate", "--events", str(EVENTS), "--seed", "3", "--out", str(traffic)],
        ["replay", str(traffic), "--data", str(folder), "--json"],
    ):
        done = CliRunner().invoke(headwater, arguments, env=environ)
        assert done.exit_code == 0, (done.output, done.exception)
    return folder


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    targets = str(folder / "targets.toml")
    return read_settings({"HEADWATER_DATA": str(folder), "HEADWATER_TARGETS": targets})


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with stored(settings) as store:
        return [tuple(row) for row in store.query(sql).rows]


def explained(settings: Settings, tier: str, target: str) -> Iterator[Explanation]:
    found = rows(
        settings,
        f"SELECT DISTINCT install_id FROM predictions WHERE tier = '{tier}' "
        f"AND target = '{target}' ORDER BY cityHash64(install_id) LIMIT 12",
    )
    for (install_id,) in found:
        yield explain_id(settings, install_id)


def test_every_install_gets_an_answer_for_every_target_at_every_landmark(
    settings: Settings,
) -> None:
    ((installs,),) = rows(settings, "SELECT uniqExact(install_id) FROM features")
    for target in RETENTION:
        by_landmark = dict(
            rows(
                settings,
                "SELECT landmark, uniqExact(install_id) FROM predictions "
                f"WHERE target = '{target}' GROUP BY 1",
            )
        )
        assert {*by_landmark} == {one.name for one in LANDMARKS}
        assert by_landmark["install"] == installs
        assert by_landmark["7d"] > 0.9 * installs


def test_versions_are_learned_and_published_for_every_target(settings: Settings) -> None:
    live = dict(
        rows(
            settings,
            "SELECT model, argMax(live_version, number) FROM model_versions GROUP BY model",
        )
    )
    for model in ("retention_d7", *(f"{target}/rates" for target in RETENTION)):
        assert live[model].startswith(f"{model}-")
    assert live["retention_d30"] == "", "nobody stays for a month here, so that nothing is learned"


def test_a_target_is_predicted_as_often_as_it_comes(folder: Path, settings: Settings) -> None:
    """Counted from the traffic itself. The declared prior is three times as high."""
    installed: dict[str, int] = {}
    seen: dict[str, list[int]] = {}
    for line in (folder / "traffic.jsonl").read_text().splitlines():
        record, event = json.loads(line), None
        with suppress(ValueError):
            event = json.loads(record["payload"])
        if not isinstance(event, dict):
            continue
        install_id, time = event.get("install_id"), event.get("event_time")
        if not (isinstance(install_id, str) and isinstance(time, int)):
            continue
        if event.get("type") == "install":
            installed[install_id] = time
        elif record["topic"] == "activity":
            seen.setdefault(install_id, []).append(time)
    actual = sum(
        any(7 * DAY_MS <= since - at < 8 * DAY_MS for since in seen.get(one, []))
        for one, at in installed.items()
    )
    ((predicted,),) = rows(
        settings,
        "SELECT avg(probability) FROM predictions WHERE target = 'retention_d7' "
        "AND tier IN ('full', 'install_only')",
    )
    assert actual / len(installed) == pytest.approx(predicted, rel=0.25)


def test_actions_divide_installs_where_the_expected_gain_says_so(settings: Settings) -> None:
    found = rows(
        settings,
        "SELECT segment, probability * 0.1 > 0.006, count() FROM predictions "
        "WHERE target = 'retention_d7' GROUP BY 1, 2",
    )
    assert {(segment, bool(pays)) for segment, pays, _ in found} == {
        ("push", True),
        ("none", False),
    }


@pytest.mark.parametrize("tier", ["full", "install_only"])
@pytest.mark.parametrize("target", ["payer", "retention_d7"])
def test_what_features_added_comes_to_the_stored_chance(
    settings: Settings, target: str, tier: str
) -> None:
    counts: Counter[bool] = Counter()
    for explanation in explained(settings, tier, target):
        for row in explanation.installs[0]["predictions"]:
            if (row["target"], row["tier"]) != (target, tier):
                continue
            found = row["contributions"]
            counts[found is not None] += 1
            if found is None:
                assert "money that has moved" in row["contributions_missing"]
                continue
            total = found["intercept"] + math.fsum(one["log_odds"] for one in found["parts"])
            chance = row["chances"][found["horizon"]]
            assert 1 / (1 + math.exp(-total)) == pytest.approx(chance, rel=1e-4)
            assert any(abs(one["log_odds"]) > 0.01 for one in found["parts"])
    assert counts[True] > 10
    assert counts[False] <= 0.1 * counts[True]


def test_words_name_the_features_that_added_most_and_say_where_there_are_none(
    settings: Settings,
) -> None:
    (install_id,) = rows(
        settings,
        "SELECT install_id FROM predictions WHERE target = 'payer' AND landmark = 'install' "
        "AND tier = 'full' ORDER BY install_id LIMIT 1",
    )[0]
    explanation = explain_id(settings, install_id)
    text = explanation_text(explanation)
    (payer,) = [
        row
        for row in explanation.installs[0]["predictions"]
        if (row["target"], row["landmark"]) == ("payer", "install")
    ]
    largest = payer["contributions"]["parts"][0]
    assert f"why: {largest['log_odds']:+.2f} {largest['feature']}" in text
    assert "why: the prior of the target answered" in text


def test_without_the_file_explanations_say_that_the_target_is_unknown(folder: Path) -> None:
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    explanation = next(explained(settings, "full", "retention_d7"))
    missing = {
        row["contributions_missing"]
        for row in explanation.installs[0]["predictions"]
        if row["target"] == "retention_d7" and row["tier"] == "full"
    }
    assert missing == {"its target is not declared: set HEADWATER_TARGETS to its file"}


def test_the_questions_in_the_documents_have_answers(settings: Settings) -> None:
    asked = [block.text for block in blocks_in("sql") if "FROM predictions" in block.text]
    assert asked
    for sql in asked:
        assert rows(settings, sql)


def test_a_demo_predicts_what_the_environment_declares() -> None:
    class Broker:
        def environment(self) -> dict[str, str]:
            return {}

    environ = {"HEADWATER_TARGETS": "targets.toml", "HEADWATER_PARTITIONS": "7"}
    environ["HEADWATER_STORE_PORT"] = "8199"
    # A stub: only the address of the broker is asked for.
    kept = demo_environment(environ, Broker(), Path("data"))  # type: ignore[arg-type]
    assert kept["HEADWATER_TARGETS"] == "targets.toml"
    assert kept["HEADWATER_STORE_PORT"] == "8199"
    assert "HEADWATER_PARTITIONS" not in kept
