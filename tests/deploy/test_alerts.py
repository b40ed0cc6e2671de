"""Alerts ask for metrics that workers export, and tell the person what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.worker.metrics import REGISTRY
from tests.checkout import ROOT

RULES = ROOT / "deploy" / "alerts" / "headwater.rules.yaml"
RUNBOOK = ROOT / "deploy" / "runbook.md"


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def _exported() -> set[str]:
    """Names as they are scraped: counters end in _total, and what describes a worker in _info."""
    endings = {"counter": "_total", "info": "_info"}
    return {f"{family.name}{endings.get(family.type, '')}" for family in REGISTRY.collect()}


def test_every_alert_asks_for_metrics_that_exist(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        asked = set(re.findall(r"headwater_\w+", rule["expr"]))
        assert asked
        assert asked <= _exported(), rule["alert"]


def test_every_alert_says_how_urgent_it_is_and_where_to_look(rules: list[dict[str, Any]]) -> None:
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["for"]
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_alert_has_an_entry_in_the_runbook_and_no_other_has(
    rules: list[dict[str, Any]],
) -> None:
    entries = re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    texts = {entry.partition("\n")[0]: entry for entry in entries}
    assert set(texts) == {rule["alert"] for rule in rules}
    for alert, text in texts.items():
        assert all(part in text for part in ("**Meaning.**", "**Do")), alert


def test_prometheus_accepts_the_rules() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not here")
    done = subprocess.run(
        ["promtool", "check", "rules", str(RULES)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_core_workers_that_are_gone_page_while_storing_runs(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not here")
    place = {"namespace": "headwater", "stage": "matching", "partition": "0"}
    page = {"severity": "page"}
    case = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'headwater_worker_info{role="storing"}', "values": "1x120"},
                    {"series": 'headwater_worker_info{role="core"}', "values": "1x29 _x91"},
                    {
                        "series": "headwater_stage_time_seconds"
                        '{namespace="headwater",stage="matching",partition="0",pod="core-0"}',
                        "values": "0+60x29 _x91",
                    },
                ],
                "alert_rule_test": [
                    _firing("HeadwaterNoWorker", "20m"),
                    _firing("HeadwaterNoWorker", "45m", {"role": "core", **page}),
                    _firing("HeadwaterDecisionsLate", "20m"),
                    _firing("HeadwaterDecisionsLate", "60m", {**place, **page}),
                ],
            }
        ],
    }
    file = tmp_path / "case.yaml"
    file.write_text(yaml.safe_dump(case))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def _firing(alert: str, at: str, *labels: dict[str, str]) -> dict[str, Any]:
    """What promtool expects: the alerts that fire at a time, whatever their texts are."""
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    (texts,) = (rule["annotations"] for rule in rules if rule["alert"] == alert)
    expected = [
        {
            "exp_labels": found,
            "exp_annotations": {name: _filled(text, found) for name, text in texts.items()},
        }
        for found in labels
    ]
    return {"alertname": alert, "eval_time": at, "exp_alerts": expected}


def _filled(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found.group(1)], text)
