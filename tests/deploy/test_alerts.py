"""Alerts ask for metrics that workers export, and tell the person what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
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
    """Names as they are scraped: counters end in _total."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
    }


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
