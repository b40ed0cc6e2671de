"""Instances in which every field differs from its default and from every other field.

A seeded world leaves most fields empty; these show that no field is read in another's place.
"""

from __future__ import annotations

import itertools
import types
import typing
from enum import Enum
from typing import Any

import msgspec


def filled(kind: Any) -> Any:
    """An instance of a struct type with something of its own in every field."""
    return _Filling().of(kind)


class _Filling:
    def __init__(self) -> None:
        self._numbers = itertools.count(1001)

    def of(self, kind: Any) -> Any:
        kind = getattr(kind, "__supertype__", kind)  # of a NewType
        origin = typing.get_origin(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind)
        if origin in (typing.Union, types.UnionType):
            return self.of(next(one for one in typing.get_args(kind) if one is not type(None)))
        if isinstance(kind, type) and hasattr(kind, "_fields"):
            return kind(*map(self.of, typing.get_type_hints(kind).values()))
        if origin is typing.Annotated:
            return self.of(typing.get_args(kind)[0])
        if origin is typing.Literal:
            return typing.get_args(kind)[-1]
        if origin is not None:
            return self._container(origin, typing.get_args(kind))
        return self._scalar(kind)

    def _struct(self, kind: Any) -> Any:
        hints = typing.get_type_hints(kind, include_extras=True)
        fields = msgspec.structs.fields(kind)
        values = {
            field.name: 1 if field.name == "schema_version" else self.of(hints[field.name])
            for field in fields
        }
        return kind(**values)

    def _container(self, origin: Any, inner: tuple[Any, ...]) -> Any:
        if origin is dict:
            return {self.of(inner[0]): self.of(inner[1])}
        if origin is tuple and inner[-1] is not Ellipsis:
            return tuple(self.of(one) for one in inner)
        return origin([self.of(inner[0])])

    def _scalar(self, kind: Any) -> Any:
        number = next(self._numbers)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return list(kind)[-1]
        if kind is bool:
            return True
        if kind is int:
            return number
        if kind is float:
            return number + 0.5
        if kind is str:
            return f"text-{number}"
        if kind in (bytes, memoryview):
            return kind(number.to_bytes(8, "little"))
        raise TypeError(f"no value of {kind!r} is known here: add one")
