"""Whether a person has to look at something: floods, and records that were quarantined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streams.errors import Stop
from streams.operations.dead_letters import FLOOD_ROWS, WITH_BYTES
from streams.operations.doctor.check import Check, verdict
from streams.settings import Settings
from streams.store.base import Store, UnavailableError
from streams.wiring.store import open_store

FLOOD_QUIET_SECONDS = 3_600
"""A flood of which nothing was counted for so long has ended."""

_FLOODS = f"""
SELECT source_topic, flood_app, toString(min(inserted_at)), sum(length(offsets)) AS messages,
    max(inserted_at) > now() - {FLOOD_QUIET_SECONDS} AS is_in_force
FROM ({FLOOD_ROWS})
GROUP BY source_topic, flood_app ORDER BY messages DESC, source_topic, flood_app
"""
_QUARANTINED = f"""
SELECT stage, error, toString(min(received_at)), uniqExact(quarantine_id) AS records,
    uniqExact(state_key)
FROM quarantined WHERE {WITH_BYTES}
GROUP BY stage, error ORDER BY records DESC, stage, error
"""


def examine_set_aside(settings: Settings) -> Iterator[Check]:
    """The checks `floods` and `quarantine`; unknown where the store does not answer."""
    if settings.store.url is None and not settings.folders.store.exists():
        for name in ("floods", "quarantine"):
            yield Check(name, True, "nothing is stored yet")
        return
    try:
        store = open_store(settings)
    except (Stop, UnavailableError):
        for name in ("floods", "quarantine"):
            yield Check(name, False, "unknown without a store")
        return
    try:
        yield _asked("floods", store, _floods)
        yield _asked("quarantine", store, _quarantine)
    finally:
        store.close()


def _asked(name: str, store: Store, ask: Callable[[Store], Check]) -> Check:
    try:
        return ask(store)
    except (Stop, UnavailableError) as error:
        return Check(name, False, f"unknown: {str(error).splitlines()[0]}")


def _floods(store: Store) -> Check:
    rows: list[tuple[Any, ...]] = store.query(_FLOODS).rows
    in_force = [
        f"{topic}: {int(messages):,} unreadable messages of app {app} since {since} UTC, beyond "
        "HEADWATER_DEAD_LETTER_SHARE, were counted and not copied: mend the producer, then "
        f"`headwater dead-letters replay --topic {topic} --app {app} --dry-run` says what it reads"
        for topic, app, since, messages, is_in_force in rows
        if is_in_force
    ]
    ended = sum(int(messages) for *_, messages, _ in rows)
    return verdict("floods", in_force, f"none in force; {ended:,} messages of earlier ones")


def _quarantine(store: Store) -> Check:
    waiting = [
        f"{stage}: {int(records):,} records of {int(keys):,} keys, since {since} UTC ({error}): "
        "`headwater dead-letters list` names the keys, `dead-letters replay --reason quarantined` "
        "tries them again, `dead-letters drop --reason quarantined` ends the matter"
        for stage, error, since, records, keys in store.query(_QUARANTINED).rows
    ]
    return verdict("quarantine", waiting, "no record waits")
