"""The names a document may use: settings, views, tables, columns, metrics, topics, identifiers."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from schemas import topics
from streams.settings.declaration import declarations
from streams.settings.tree import Settings
from streams.worker.metrics import REGISTRY
from tests.checkout import ROOT

FOLDERS = ("schemas", "attribution", "online_models", "streams", "tests", "deploy")
OUTSIDE_SETTINGS = {
    "HEADWATER_REQUIRE": "which servers tests may not skip",
    "HEADWATER_JARS": "where Kafka's jars are kept",
}
"""Variables that no worker reads."""


@cache
def settings() -> frozenset[str]:
    """Every variable, also as `…_FILE` where it is a secret or may stand in a file."""
    names = set(OUTSIDE_SETTINGS) | {"HEADWATER_SEEDS", "HEADWATER_FIRST_SEED"}  # of the simulation
    for item in declarations(Settings):
        names |= {item.variable, f"{item.variable}_FILE"}
    return frozenset(names)


@cache
def relations() -> frozenset[str]:
    """Every table and view of the store."""
    statements = "\n".join(
        path.read_text() for path in (ROOT / "schemas" / "migrations").glob("*.sql")
    )
    found = re.findall(r"(?:TABLE IF NOT EXISTS|REPLACE VIEW) (\w+)", statements)
    return frozenset(found)


@cache
def metrics() -> frozenset[str]:
    """Every metric as Prometheus shows it."""
    endings = ("", "_total", "_bucket", "_sum", "_count", "_info")
    return frozenset(metric.name + ending for metric in REGISTRY.collect() for ending in endings)


@cache
def alerts() -> frozenset[str]:
    """Every alert of Prometheus."""
    rules = (ROOT / "deploy" / "alerts" / "headwater.rules.yaml").read_text()
    return frozenset(re.findall(r"- alert: (\w+)", rules))


@cache
def topic_names() -> frozenset[str]:
    return frozenset(topics.BY_NAME)


@cache
def words_of_code() -> frozenset[str]:
    """Every identifier that stands anywhere in the code of the repository."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return frozenset(word for path in paths for word in _identifiers(path))


def _identifiers(path: Path) -> list[str]:
    if "documents" in path.relative_to(ROOT).parts:
        return []
    return re.findall(r"[A-Za-z_]\w*", path.read_text())
