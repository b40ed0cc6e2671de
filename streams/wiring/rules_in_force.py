"""Attribution rules change on purpose: a worker with others than those in force does not start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules, rule_set_id
from schemas.file_error import FileError
from schemas.time import format_duration
from streams.errors import Stop
from streams.kafka.registers.rule_log import RuleRecord, record_rules, recorded_rules
from streams.settings import Settings
from streams.wiring.parts import attribution_rules, core_settings

_FROM_SETTINGS = (
    "late_ms_max",
    "decision_wait_ms",
    "parking_ms",
    "journey_retention_ms",
    "watched_one_in",
    "installs_per_key_day_max",
    "installs_per_account_day_max",
    "shared_key_rest_ms",
)
_NORMAL_IDS = "normal_ids"
"""Among the settings of a record. Earlier builds did not write it and had no normal form."""
CHANGES_NAMED_MAX = 5  # in the one line of a worker that refuses; the command names all


class RuleSetChange(NamedTuple):
    """The rules in force and other ones."""

    before: str  # id; empty: none were in force
    after: str
    changes: list[str]  # one line each
    has_normal_ids: bool = True
    """Whether ids are compared in their normal form from now on."""


def require_rules(settings: Settings) -> RuleSetChange:
    """Check the rules of a core worker against those in force, and record the first ones.

    Stop: they are others, and HEADWATER_RULES_CHANGE does not accept them.
    """
    core = core_settings(settings)
    found = asyncio.run(recorded_rules(core))
    own = _own(settings, settings.rules.attribution, found)
    if found is None:
        asyncio.run(record_rules(core, own, is_order=False))
        found = asyncio.run(recorded_rules(core)) or own
        own = _own(settings, settings.rules.attribution, found)
    changes = _changes(found, own)
    if not changes:
        return RuleSetChange(found.previous, own.rule_set, [], _has_normal_ids(own))
    if settings.rules.rules_change == "refuse":
        more = len(changes) - CHANGES_NAMED_MAX
        named = "; ".join(changes[:CHANGES_NAMED_MAX]) + (f"; and {more} more" if more > 0 else "")
        file = settings.rules.attribution
        raise Stop(
            f"rule set {found.rule_set} is in force, and "
            + (f"{file} is {own.rule_set}" if file else "HEADWATER_RULES names no file")
            + f" ({named}): give this worker the file that is in force, or change the rules on "
            + (f"purpose with `headwater rules apply {file or '--defaults'}`")
        )
    asyncio.run(record_rules(core, _after(found, own), is_order=True))
    return RuleSetChange(found.rule_set, own.rule_set, changes, _has_normal_ids(own))


def apply_rule_file(settings: Settings, file: Path | None, *, is_dry: bool) -> RuleSetChange:
    """Put the rules of a file, or the defaults, into force; `is_dry`: only say what changes."""
    if settings.kafka.brokers is None or settings.kafka.is_in_process:
        raise Stop("HEADWATER_KAFKA is not set: set it to the broker of the workers")
    core = core_settings(settings)
    found = asyncio.run(recorded_rules(core))
    own = _own(settings, file, found)
    changes = _changes(found, own) if found else []
    if not is_dry and (changes or found is None):
        asyncio.run(record_rules(core, _after(found, own), is_order=True))
    before = found.rule_set if found else ""
    return RuleSetChange(before, own.rule_set, changes, _has_normal_ids(own))


def _own(settings: Settings, file: Path | None, found: RuleRecord | None) -> RuleRecord:
    rules = attribution_rules(settings.rules, file)
    base = attribution_rules(settings.rules, None)
    text = file.read_text(encoding="utf-8") if file else ""
    given = {name: int(getattr(base, name)) for name in _FROM_SETTINGS}
    in_force = found is None or _has_normal_ids(found)
    wanted = settings.rules.normal_ids
    given[_NORMAL_IDS] = int(in_force if wanted is None else wanted)
    return RuleRecord(rule_set=rule_set_id(rules), text=text, settings=given)


def _after(found: RuleRecord | None, own: RuleRecord) -> RuleRecord:
    return msgspec.structs.replace(own, previous=found.rule_set if found else "")


def _has_normal_ids(record: RuleRecord) -> bool:
    return bool(record.settings.get(_NORMAL_IDS))


def _rules(record: RuleRecord) -> Rules:
    known = {name: value for name, value in record.settings.items() if name in _FROM_SETTINGS}
    base: Rules = msgspec.convert(known, Rules)
    return read_rules(record.text, base) if record.text else base


def _changes(found: RuleRecord, own: RuleRecord) -> list[str]:
    """What differs, one line each, by this version's reading of both; empty: nothing."""
    if (found.text, found.settings) == (own.text, own.settings):
        return []
    try:
        before = dict(_flat(msgspec.to_builtins(_rules(found))))
    except (FileError, msgspec.ValidationError) as error:
        return [f"the file in force cannot be read any more: {error}"]
    after = dict(_flat(msgspec.to_builtins(_rules(own))))
    before[_NORMAL_IDS], after[_NORMAL_IDS] = _has_normal_ids(found), _has_normal_ids(own)
    return [
        f"{path}: {_shown(path, before.get(path))} becomes {_shown(path, after.get(path))}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _flat(part, f"{path}[{number}]")
    else:
        yield path, value


def _shown(path: str, value: Any) -> str:
    is_time = ("_ms" in path or "windows" in path) and isinstance(value, int)
    if value is None:
        return "nothing"
    return format_duration(value) if is_time else str(value)
