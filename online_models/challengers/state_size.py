"""How much an estimator holds: counted by its values, so that every build counts alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from river.utils import VectorDict

_NUMBER, _ROOM = 8, 64
"""Bytes of a number, and of an object or container besides what it holds."""


def state_size(estimator: Any, limit: int) -> int:
    """Bytes that the estimator's values take, about; counting ends once it is above `limit`."""
    size, seen, waiting = 0, set[int](), [estimator]
    while waiting and size <= limit:
        value = waiting.pop()
        if value is None or isinstance(value, bool | int | float | type):
            size += _NUMBER
            continue
        if isinstance(value, str | bytes | bytearray):
            size += _ROOM + len(value)  # Each time: a build may share equal texts, or not.
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        size += _ROOM
        if isinstance(value, Mapping | VectorDict):
            size += _NUMBER * len(value)
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset | deque):
            waiting += value
        elif hasattr(value, "nbytes"):
            size += int(value.nbytes)
        else:
            waiting += _attributes(value)
    return size


def _attributes(value: Any) -> Iterable[Any]:
    if not type(value).__module__.startswith(("river.", "builtins")) and callable(value):
        return ()
    slots = [
        getattr(value, name)
        for kind in type(value).__mro__
        for name in _names(getattr(kind, "__slots__", ()))
        if hasattr(value, name) and name not in ("__dict__", "__weakref__")
    ]
    return [*slots, *getattr(value, "__dict__", {}).values()]


def _names(slots: Any) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots
