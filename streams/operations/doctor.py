"""Checks everything that a run needs. Changes nothing, and says what to do."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from attribution.rules.rules import rule_set_id
from streams.errors import Stop
from streams.kafka.topics import FoundTopic, admin, find_topics, problems, wanted_topics
from streams.settings import KafkaSettings, ModelSettings, RuleSettings, Settings, shown_url
from streams.store.base import Store, UnavailableError
from streams.store.migrations import SchemaState, check
from streams.wiring.parts import attribution_rules, scoring_rules
from streams.wiring.store import open_store

DISK_BYTES_MIN = 2_000_000_000
"""Free space below which the disk is called full: RocksDB and ClickHouse need room to merge."""

SECRET_BYTES_MIN = 16
"""A shorter secret can be tried out."""

_STAMPS = "message.timestamp.type"


class Check(NamedTuple):
    """The result of one check."""

    name: str
    ok: bool
    advice: str  # what was found, or what to do


def examine(settings: Settings) -> list[Check]:
    """Run every check, also after one has failed."""
    return [
        Check("settings", True, f"{_set_in_environment()} of them are set in the environment"),
        *_kafka(settings.kafka),
        *_store(settings),
        _disk(settings.folders.data),
        _secret(settings),
        _rules(settings.rules),
        _targets(settings.models),
    ]


def _set_in_environment() -> int:
    return sum(variable.startswith("HEADWATER_") for variable in os.environ)


def _kafka(kafka: KafkaSettings) -> Iterator[Check]:
    if kafka.brokers is None:
        if importlib.util.find_spec("confluent_kafka") is None:
            yield Check(
                "broker", False, "set HEADWATER_KAFKA=host:port, or install headwater[embedded]"
            )
        else:
            yield Check(
                "broker", True, "HEADWATER_KAFKA is not set: an in-process broker in memory"
            )
        return
    try:
        found = asyncio.run(_find(kafka))
    except Stop as error:
        yield Check("broker", False, str(error))
        yield Check("topics", False, "unknown without a broker")
        yield Check("timestamps", False, "unknown without a broker")
        return
    yield Check("broker", True, f"answers at {kafka.brokers}")
    wrong = problems(wanted_topics(kafka), found)
    stamps = [line for line in wrong if _STAMPS in line]
    others = [line for line in wrong if _STAMPS not in line]
    yield _verdict("topics", others, f"{len(found)} topics of {kafka.partitions} partitions")
    yield _verdict("timestamps", stamps, f"source topics: {kafka.source_timestamps} time")


async def _find(kafka: KafkaSettings) -> dict[str, FoundTopic]:
    async with admin(kafka) as client:
        return await find_topics(client, [want.name for want in wanted_topics(kafka)])


def _verdict(name: str, wrong: list[str], known: str) -> Check:
    if not wrong:
        return Check(name, True, known)
    more = f" (and {len(wrong) - 1} more like this)" if wrong[1:] else ""
    return Check(name, False, wrong[0] + more)


def _store(settings: Settings) -> Iterator[Check]:
    folder = settings.folders.store
    if settings.store.url is None and not folder.exists():
        fills = "demo" if settings.kafka.brokers is None else "migrate"
        yield Check("store", True, f"{folder} is empty: `headwater {fills}` creates its tables")
        return
    where = shown_url(settings.store.url) if settings.store.url else str(folder)
    try:
        store = open_store(settings)
    except (Stop, UnavailableError) as error:
        yield Check("store", False, str(error))
        yield Check("schema", False, "unknown without a store")
        return
    try:
        yield from _opened(store, where)
    finally:
        store.close()


def _opened(store: Store, where: str) -> Iterator[Check]:
    version = _attempt(lambda: str(store.query("SELECT version()").rows[0][0]))
    if not version.ok:
        yield Check("store", False, version.text)
        yield Check("schema", False, "unknown without a store")
        return
    yield Check("store", True, f"{where}, version {version.text}")
    state = _attempt(lambda: check(store).value)
    if not state.ok:
        yield Check("schema", False, state.text)
        return
    advice = {
        SchemaState.CURRENT.value: "the tables are those of this version",
        SchemaState.OLD.value: "the tables are old or missing: run `headwater migrate`",
        SchemaState.NEWER.value: "the tables are newer than this program: update Headwater",
    }
    yield Check("schema", state.text == SchemaState.CURRENT.value, advice[state.text])


class _Attempt(NamedTuple):
    ok: bool
    text: str


def _attempt(ask: Callable[[], str]) -> _Attempt:
    try:
        return _Attempt(True, ask())
    except UnavailableError as error:
        return _Attempt(False, f"{error}; start it, or correct HEADWATER_CLICKHOUSE")
    except Stop as error:
        return _Attempt(False, str(error))


def _disk(folder: Path) -> Check:
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Check("disk", False, f"{there} cannot be written: choose another HEADWATER_DATA")
    free = shutil.disk_usage(there).free
    known = f"{free / 1e9:.1f} GB free at {there}"
    if free < DISK_BYTES_MIN:
        return Check(
            "disk", False, f"{known}: free {DISK_BYTES_MIN / 1e9:.0f} GB, or move HEADWATER_DATA"
        )
    return Check("disk", True, known)


def _rules(rules: RuleSettings) -> Check:
    if rules.attribution is None:
        return Check("rules", True, "HEADWATER_RULES is not set: the default rules")
    try:
        found = attribution_rules(rules, rules.attribution)
    except Stop as error:
        return Check("rules", False, str(error))
    known = f"{rules.attribution}: rule set {rule_set_id(found)}, {len(found.scopes)} scopes"
    return Check("rules", True, known)


def _targets(models: ModelSettings) -> Check:
    if models.targets is None:
        return Check("targets", True, "HEADWATER_TARGETS is not set: payers, and value in USD")
    try:
        found = scoring_rules(models).targets
    except Stop as error:
        return Check("targets", False, str(error))
    names = ", ".join(target.name for target in found.hazards)
    return Check("targets", True, f"{models.targets}: {names}, value in {found.value.currency}")


def _secret(settings: Settings) -> Check:
    secret = settings.rules.pseudonym_secret
    if secret is not None and len(secret.reveal().encode()) < SECRET_BYTES_MIN:
        return Check(
            "pseudonyms",
            False,
            f"HEADWATER_PSEUDONYM_SECRET is shorter than {SECRET_BYTES_MIN} bytes and can be "
            "guessed: before the first event set a random one, as of `openssl rand -hex 32`; "
            "after it, another secret would no longer match the ids that are stored",
        )
    if secret is not None:
        return Check("pseudonyms", True, "HEADWATER_PSEUDONYM_SECRET is set: never change it")
    if settings.kafka.brokers is None:
        return Check("pseudonyms", True, "made with a published key: for demos only")
    return Check(
        "pseudonyms",
        False,
        "made with a published key, so device ids can be recovered: set "
        "HEADWATER_PSEUDONYM_SECRET (or …_FILE) to 32 random bytes before the first event",
    )
