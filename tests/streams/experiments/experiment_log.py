"""A log of installs, orders about experiments and exposures, and what a replay says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from schemas.time import HOUR_MS
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.wiring.parts import stage_rules
from tests.worlds.clock import NOON

Row = dict[str, Any]
APP = "com.example.game"


def definition(  # noqa: PLR0913 # A file has as many keys.
    name: str = "offer",
    *,
    layer: str = "money",
    traffic: float = 1.0,
    landmark: str = "1d",
    shares: Mapping[str, float] | None = None,
    version: int = 1,
    eligibility: str = "",
) -> str:
    """The TOML of an experiment."""
    variants = shares or {"control": 0.5, "discount": 0.5}
    written = "".join(
        f'\n[[variant]]\nname = "{variant}"\nshare = {share}\npayload = {{ is = "{variant}" }}\n'
        for variant, share in variants.items()
    )
    return (
        f'id = "{name}"\nversion = {version}\nhypothesis = "It pays."\nowner = "growth"\n'
        f'app = "{APP}"\nlayer = "{layer}"\ntraffic = {traffic}\nwindow = "7d"\nprimary = "arpu"\n'
        f'\n[eligibility]\nlandmark = "{landmark}"\n{eligibility}\n{written}'
    )


def order(kind: str, name: str, ts: int, **details: Any) -> Row:
    """An order as `headwater experiment` writes it."""
    order_id = details.pop("order_id", f"{kind}-{name}-{ts}")
    return {
        "type": "experiment_order", "schema_version": 1, "event_id": order_id, "app_id": APP,
        "event_time": ts, "order_id": order_id, "kind": kind, "experiment_id": name, **details,
    }  # fmt: skip


def start(name: str, ts: int, share: float | None = None, **details: Any) -> Row:
    given = {} if share is None else {"share": share}
    return order("start", name, ts, definition=definition(name, **details), **given)


def install(name: str, ts: int, **fields: Any) -> Row:
    return {
        "type": "install", "schema_version": 1, "event_id": f"of {name}", "app_id": APP,
        "event_time": ts, "install_id": name, "platform": "android", "country_code": "DE",
        **fields,
    }  # fmt: skip


def exposure(name: str, experiment: str, variant: str, ts: int, **fields: Any) -> Row:
    return {
        "type": "experiment_exposure", "schema_version": 1, "app_id": APP, "event_time": ts,
        "event_id": f"exposure {name} {experiment} {variant} {ts}", "install_id": name,
        "experiment_id": experiment, "variant": variant, **fields,
    }  # fmt: skip


_TOPICS = {
    "install": "installs",
    "experiment_order": "costs",
    "privacy_request": "privacy-requests",
}


def records(events: Iterable[Row], partitions: int = 1) -> list[MemoryRecord]:
    """The events by log time, which is their event time unless `logged` says another."""
    found = []
    for number, event in enumerate(events):
        ts = event.pop("logged", event["event_time"])
        topic = _TOPICS.get(event["type"], "activity")
        p = 0 if topic == "costs" else number % partitions
        found.append(MemoryRecord(topic, p, number, ts, None, orjson.dumps(event)))
    return sorted(found, key=lambda record: record.timestamp)


def replayed(
    events: Iterable[Row], *, ends_at: int, partitions: int = 1, batch: int = 4_000
) -> dict[str, list[Row]]:
    """The outcomes by topic of a replay whose log goes on, without events, until `ends_at`."""
    log = records(events, partitions)
    hours = range(NOON, ends_at + HOUR_MS, 6 * HOUR_MS)
    log += [MemoryRecord("activity", 0, 10**6 + n, ts, b"\x00clock", b"") for n, ts in
            enumerate(hours)]  # fmt: skip
    log.sort(key=lambda record: record.timestamp)
    seen = SourceOrder()
    for record in log:
        seen.see(record)
    outcomes: dict[str, list[Row]] = {}

    def keep(topic: str, rows: Sequence[MemoryRecord]) -> None:
        outcomes.setdefault(topic, []).extend(msgspec.json.decode(row.value or b"") for row in rows)

    Replay(stage_rules(read_settings({})), keep, StageObserver()).run(log, seen, batch)
    return outcomes
