"""Orders about experiments: written to the log, and what came of them, read from the store."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import orjson

from schemas import topics
from schemas.decode import Unreadable, decode
from streams.errors import Stop
from streams.kafka.publisher import Publisher
from streams.operations.experiments.planned_file import plan_file
from streams.settings.tree import Settings
from streams.store.base import Store
from streams.wiring.parts import core_settings

ORDERS_KEY = b"experiments"
"""Key of all orders."""

ORDERS_PARTITION = 0
"""All orders are in one partition, so that all partitions read them in the same order."""

_LISTED = """
SELECT order_id, app_id, experiment_id, experiment_version, kind, verdict, refusal, ramp_share,
    variant, ordered_by, toString(ordered_at) AS ordered_at
FROM experiment_orders ORDER BY ordered_at, log_epoch, log_partition, log_offset
LIMIT 1 BY order_id
"""


def start_order(path: Path, **details: Any) -> dict[str, Any]:
    """The start of the experiment that a file defines. Stop: the definition contradicts itself."""
    definition = plan_file(path).definition
    if definition.unit != "install":
        raise Stop(
            f"{path}: unit: {definition.unit} cannot be assigned in the log: write install, or "
            "let a backend assign it"
        )
    text = path.read_text(encoding="utf-8")
    return experiment_order("start", definition.app_id, definition.id, definition=text, **details)


def experiment_order(kind: str, app_id: str, experiment_id: str, **details: Any) -> dict[str, Any]:
    """An order as it is published, with a new id; details that are None are left out."""
    name, now = f"order-{uuid.uuid4().hex[:12]}", int(time.time() * 1000)
    stated = {name: value for name, value in details.items() if value is not None}
    return {
        "type": "experiment_order", "schema_version": 1, "event_id": name, "order_id": name,
        "app_id": app_id, "event_time": now, "source": "s2s", "kind": kind,
        "experiment_id": experiment_id, **stated,
    }  # fmt: skip


def publish_order(settings: Settings, order: dict[str, Any]) -> str:
    """Write an order to the log; its id. Stop: it cannot be read, or there is no broker."""
    value = orjson.dumps(order)
    read = decode(value, topics.COSTS.name, order["event_time"], 0)
    if isinstance(read, Unreadable):
        raise Stop(f"the order cannot be read: {read.detail}")
    if settings.kafka.brokers is None or settings.kafka.is_in_process:
        raise Stop(
            "HEADWATER_KAFKA is not set: set it to the broker of the workers that shall obey"
        )
    asyncio.run(_publish(settings, order["event_time"], value))
    return str(order["order_id"])


async def _publish(settings: Settings, now: int, value: bytes) -> None:
    async with Publisher(core_settings(settings)) as publisher:
        await publisher.publish([(topics.COSTS.name, ORDERS_PARTITION, now, ORDERS_KEY, value)])


def listed_orders(store: Store) -> list[dict[str, Any]]:
    """Every order that was read, the earliest first, and whether it is obeyed."""
    answer = store.query(_LISTED)
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]


def app_of_experiment(store: Store, experiment_id: str) -> str:
    """The app of an experiment by its id alone. Stop: there is none, or several."""
    apps = {
        str(order["app_id"])
        for order in listed_orders(store)
        if order["experiment_id"] == experiment_id and order["verdict"] == "obeyed"
    }
    if len(apps) == 1:
        return apps.pop()
    known = f"apps {', '.join(sorted(apps))} have" if apps else "no app has"
    raise Stop(f"experiment {experiment_id}: {known} one of this id in the store: name --app")
