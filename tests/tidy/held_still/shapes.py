"""Names and shapes of everything that others hold on to, read from the code that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from prometheus_client import Metric

from schemas import contracts
from schemas import topics as catalogue
from streams.cli import headwater
from streams.settings.declaration import declarations
from streams.settings.tree import Settings
from streams.store.base import Store
from streams.worker.metrics import REGISTRY

FOLDER = Path(__file__).parent
Shape = dict[str, Any]
_SHARED = ("/Blank", "/CurrencyCode", "/OptionalId", "/PlaceholderId", "/RealId")
"""Parts whose content may grow: what counts as a placeholder, and currencies."""
PROSE = frozenset({"title", "description", "examples", "$id", "$schema"})


def topics() -> Shape:
    """Name, key and policy of every topic."""
    return {
        topic.name: {
            "kind": topic.kind.value,
            "key": topic.key,
            "single_partition": topic.single_partition,
            "compacted": topic.compacted,
            "retention_ms": topic.retention_ms,
            "message_bytes_max": topic.message_bytes_max,
        }
        for topic in catalogue.ALL
    }


def metrics() -> Shape:
    """Type and labels of every metric of ours."""
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        for family in _families(collector):
            if family.name.startswith("headwater"):
                labels = getattr(collector, "_labelnames", ())
                found[family.name] = {"type": family.type, "labels": list(labels)}
    return found


def _families(collector: Any) -> list[Metric]:
    describe = getattr(collector, "describe", None)
    return list(describe()) if describe else []


def settings() -> Shape:
    """Default of every environment variable, as `headwater settings` shows it."""
    return {item.variable: item.default_text for item in declarations(Settings)}


def commands() -> Shape:
    """Arguments and options of every command."""
    return _commands(headwater, ("headwater",))


def _commands(command: click.Command, path: tuple[str, ...]) -> Shape:
    found: Shape = {" ".join(path): dict(_parameters(command))}
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            found |= _commands(child, (*path, name))
    return found


def _parameters(command: click.Command) -> Iterator[tuple[str, Shape]]:
    """Options by what is typed, arguments by their position."""
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    for parameter in command.params:
        shape: Shape = {"required": parameter.required, "multiple": parameter.multiple}
        choices = getattr(parameter.type, "choices", None)
        if choices:
            shape["choices"] = list(choices)
        if parameter in arguments:
            yield f"argument {arguments.index(parameter) + 1}", shape
        else:
            yield " ".join([*parameter.opts, *parameter.secondary_opts]), shape


def messages() -> Shape:
    """The JSON Schema of every message, without what only people read."""
    return {
        f"{name}.v{contracts.version_of(name)}": _without_prose(contracts.json_schema(name))
        for name in sorted(contracts.message_types())
    }


def _without_prose(schema: Any) -> Any:
    """References resolved, so that the name of a class of ours is no part of the shape."""
    return _resolved(schema, schema.get("$defs", {}))


def _resolved(node: Any, definitions: Mapping[str, Any]) -> Any:
    match node:
        case {"$ref": str(reference), **rest} if reference.endswith(_SHARED):
            return rest | {"is": reference.rsplit("/", 1)[-1]}
        case {"$ref": str(reference), **rest}:
            target = _resolved(definitions[reference.rsplit("/", 1)[-1]], definitions)
            return target | _resolved(rest, definitions)
        case {"properties": dict(properties), **rest}:
            fields = {name: _resolved(value, definitions) for name, value in properties.items()}
            return {"properties": fields} | _resolved(rest, definitions)
        case dict():
            kept = {key: value for key, value in node.items() if key not in PROSE | {"$defs"}}
            return {key: _resolved(value, definitions) for key, value in kept.items()}
        case list():
            return [_resolved(item, definitions) for item in node]
    return node


def tables(store: Store) -> Shape:
    """Columns and types of every table and view of a migrated store, in their order."""
    rows = store.query(
        "SELECT t.engine, c.table, c.name, c.type FROM system.columns AS c"
        " JOIN system.tables AS t ON t.database = c.database AND t.name = c.table"
        " WHERE c.database = currentDatabase() ORDER BY c.table, c.position"
    ).rows
    found: Shape = {}
    for engine, table, column, kind in rows:
        shape = found.setdefault(str(table), {"engine": str(engine), "columns": []})
        shape["columns"].append(f"{column} {kind}")
    return found


SHAPES: Mapping[str, Callable[[], Shape]] = {
    shape.__name__: shape for shape in (topics, metrics, settings, commands, messages)
}


def stored(name: str) -> Shape:
    shape: Shape = json.loads((FOLDER / f"{name}.json").read_text())
    return shape


def write(name: str, shape: Shape) -> None:
    text = json.dumps(shape, indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """One line for each place where two shapes differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}/{key}"
            if key not in after:
                found.append(f"{below}: gone")
            elif key not in before:
                found.append(f"{below}: new")
            else:
                found += differences(before[key], after[key], below)
        return found
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]
