"""Writes what a seeded world stores: the shortest choice of values that shows every field used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lz4.frame
import msgspec

from schemas import topics
from streams.replay.memory_log import MemoryRecord
from streams.stages.learning.parts import BASES, StoredParts
from streams.stages.learning.quality_reporter import MONITORS
from tests.simulation.scenarios.draws import draw
from tests.simulation.topology.machines import NothingEvicted, stage_rules
from tests.simulation.topology.topology import Topology
from tests.stored_bytes.corpus import Recorded, plain
from tests.stored_bytes.filled import filled
from tests.stored_bytes.formats import (
    ENVELOPE,
    FRAMES,
    HEAD,
    OUTCOMES,
    STATES,
    decode,
    layouts,
    schema_of,
    types,
)

SEEDS = range(60)
STATE_SEEDS = (3, 5)
"""Worlds of which the whole state of every stage is recorded, for the stages to start from."""


def run_world(seed: int) -> dict[tuple[str, int], list[MemoryRecord]]:
    """All committed records of a world in which nothing goes wrong, by topic and partition."""
    topology = Topology(draw(seed), stage_rules(seed), seed, NothingEvicted())
    topology.run_undisturbed()
    partitions = range(topology.scenario.partitions)
    found = {
        (topic.name, p): topology.log.committed((topic.name, p))
        for topic in topics.ALL
        for p in partitions
    }
    return {tp: records for tp, records in found.items() if records}


def lived() -> list[Recorded]:
    """Values of seeded worlds, each of which uses a field that no earlier one used."""
    used: set[tuple[str, ...]] = set()
    kept = []
    for seed in SEEDS:
        for entry in _values(seed):
            new = set(_uses(entry.content, (entry.format,))) - used
            if new:
                used |= new
                kept.append(entry)
    return kept


def _values(seed: int) -> Iterator[Recorded]:
    for (topic, _), records in run_world(seed).items():
        if topic in FRAMES or topic in STATES or topic in OUTCOMES:
            for record in records:
                if record.value is not None:
                    key = record.key or b""
                    content = plain(decode(topic, key, record.value))
                    yield Recorded(topic, f"seed {seed}", key, record.value, content)
        elif topic == topics.LEARNING_CHANGELOG.name:
            yield from _parts(seed, _latest(records))
        elif topic == topics.MODEL_SNAPSHOTS.name:
            for record in records:
                if record.value is not None:
                    yield _sealed(seed, record.key or b"", lz4.frame.decompress(record.value))


def _parts(seed: int, entries: dict[bytes, bytes]) -> Iterator[Recorded]:
    for name, part in StoredParts().restore(entries.items()).items():
        if name == "stage":
            content = plain(decode(HEAD, b"", part))
            yield Recorded(HEAD, f"seed {seed}", name.encode(), part, content)
        elif name == MONITORS:
            for one in msgspec.msgpack.decode(part, type=tuple[bytes, bytes]):
                yield _sealed(seed, name.encode(), one)
        else:
            yield _sealed(seed, name.encode(), part)


def _sealed(seed: int, key: bytes, content: bytes) -> Recorded:
    schema = schema_of(content)
    return Recorded(schema, f"seed {seed}", key, content, plain(decode(schema, key, content)))


def _latest(records: list[MemoryRecord]) -> dict[bytes, bytes]:
    """What a changelog comes to."""
    state: dict[bytes, bytes] = {}
    for record in records:
        key = record.key or b""
        state.pop(key, None)
        if record.value is not None:
            state[key] = record.value
    return state


def _uses(content: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The fields that are not empty, by where they are; list entries count as one place."""
    match content:
        case dict():
            kind = str(content.get("type", ""))
            for name, value in content.items():
                if kind:
                    yield from _uses(value, (path[0], kind, name))
                else:
                    yield from _uses(value, path)
        case list():
            for value in content:
                yield from _uses(value, path)
        case _ if content:
            yield path


def whole_states() -> list[Recorded]:
    """Every entry of the changelogs of some worlds, and the published versions beside them."""
    wanted = (*STATES, topics.LEARNING_CHANGELOG.name, topics.MODEL_SNAPSHOTS.name)
    return [
        Recorded(f"{topic} {p}", f"seed {seed}", key, value, None)
        for seed in STATE_SEEDS
        for (topic, p), records in run_world(seed).items()
        if topic in wanted
        for key, value in _latest(records).items()
        if not key.startswith(BASES.encode())
    ]


def all_filled() -> list[Recorded]:
    """One value of every type, with something of its own in every field."""
    return [made for name, kind in types() if (made := filled_entry(name, kind))]


def filled_entry(name: str, kind: Any) -> Recorded | None:
    """None for frames and envelopes, which the entries of their content show."""
    if name == ENVELOPE or (name in FRAMES and kind is FRAMES[name][0]):
        return None
    content = filled(kind)
    encode: Callable[[Any], bytes] = msgspec.msgpack.encode
    if name in FRAMES:
        content = FRAMES[name][0]({f"{name}-0": 1000}, [content])
    elif name in STATES:
        value = (1001).to_bytes(8) + encode(content)
        return Recorded(name, "filled", b"key", value, [1001, plain(content)])
    elif name in OUTCOMES:
        encode = msgspec.json.encode
    elif name in layouts():
        return Recorded(name, "filled", b"", layouts()[name].dump(content).content, plain(content))
    return Recorded(name, "filled", b"key", encode(content), plain(content))
