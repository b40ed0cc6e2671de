"""What an estimator has learned as plain values, and back: never a pickle.

Only values are stored: numbers, texts, mappings and arrays of them, and the bytes of River's
compiled statistics. Reading them back fills an estimator that was just made from its declaration,
whose own code makes whatever object is missing; so stored content cannot name a class, and cannot
bring code. Linear models, scalers and naive Bayes can be stored so. Trees cannot: their nodes
exist only once they have grown.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
from river.utils import VectorDict

PlainValue = Any
"""A scalar, or a list of a kind and what it holds."""

_MAPPING, _VECTOR, _OBJECT, _LIST, _COMPILED, _ARRAY, _KEPT = "m", "v", "o", "l", "c", "a", "k"
_CACHES = {"_plan", "_inference_transformers", "_last_step_cached", "_last_step_params"}
"""What a pipeline finds again by itself."""
_SCALARS = (type(None), bool, int, float, str, bytes)
_CODE = (type, FunctionType, BuiltinFunctionType, MethodType)
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_COMPILED_MODULE = "river._river_rust."


class NotPlainError(ValueError):
    """An estimator, or stored content, holds something else than plain values: where."""


def raise_unless_fault(error: BaseException) -> None:
    """Let go on what is no fault of an estimator: a panic of compiled code and an exit are."""
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        raise error


def plain_of(estimator: Any) -> PlainValue:
    """What the estimator has learned. NotPlainError: it holds something else."""
    return _written(estimator, type(estimator).__name__, set())


def fill_plain(fresh: Any, plain: PlainValue) -> None:
    """Let an estimator that was just made go on from these values. NotPlainError: they are not of
    its kind; throw it away then."""
    _filled(fresh, plain, type(fresh).__name__)


def _written(value: Any, where: str, seen: set[int]) -> PlainValue:
    if isinstance(value, _SCALARS):
        _check_storable(value, where)
        return value
    if isinstance(value, np.generic):
        return value.item()
    if id(value) in seen or isinstance(value, _CODE) or _is_partial(value):
        return [_KEPT]  # Configuration, or a second name of what was written.
    seen.add(id(value))
    if isinstance(value, dict | VectorDict):
        kind = _MAPPING if isinstance(value, dict) else _VECTOR
        return [kind, [_pair(key, one, where, seen) for key, one in value.items()]]
    if isinstance(value, list | tuple | set | frozenset | deque):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [_LIST, [_written(one, f"{where}[]", seen) for one in items]]
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise NotPlainError(f"{where} is an array of {value.dtype}")
        return [_ARRAY, value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if type(value).__module__.startswith(_COMPILED_MODULE):
        return [_COMPILED, bytes(value.__getstate__())]
    if _draws(value) or not hasattr(value, "__dict__"):
        raise NotPlainError(f"{where} is of {type(value).__name__}")
    return [_OBJECT, {name: _written(one, f"{where}.{name}", seen) for name, one in _of(value)}]


def _check_storable(value: Any, where: str) -> None:
    if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise NotPlainError(f"{where} is an integer of more than 64 bits")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotPlainError(f"{where} is a text that is no Unicode") from None


def _of(value: Any) -> list[tuple[str, Any]]:
    """Attributes of an object. The random source of a distribution draws samples only, which
    nothing here asks for."""
    module = type(value).__module__
    is_distribution = module.startswith("river.proba.")
    caches = _CACHES if module.startswith("river.compose.") else ()
    return [
        (name, one)
        for name, one in vars(value).items()
        if name not in caches and not (is_distribution and _draws(one))
    ]


def _pair(key: Any, value: Any, where: str, seen: set[int]) -> list[PlainValue]:
    if not isinstance(key, _SCALARS):
        raise NotPlainError(f"{where} has a key of {type(key).__name__}")
    _check_storable(key, where)
    return [key, _written(value, f"{where}[{key!r}]", seen)]


def _draws(value: Any) -> bool:
    return type(value).__module__ == "random"


def _is_partial(value: Any) -> bool:
    return type(value).__module__ == "functools"


def _filled(fresh: Any, plain: PlainValue, where: str) -> Any:
    """What takes the place of `fresh`: itself, changed, or a value of its kind."""
    if not isinstance(plain, list):
        if fresh is not None and not isinstance(fresh, (*_SCALARS, np.generic)):
            raise NotPlainError(f"{where} is a value, expected {type(fresh).__name__}")
        return plain
    kind = plain[0] if plain else ""
    if kind == _KEPT:
        return fresh
    fill = _FILLS.get(kind)
    if fill is None:
        raise NotPlainError(f"{where} is of an unknown kind")
    return fill(fresh, plain[1:], where)


def _fill_mapping(fresh: Any, held: list[PlainValue], where: str) -> Any:
    if not isinstance(fresh, dict | VectorDict):
        raise NotPlainError(f"{where} is a mapping, expected {type(fresh).__name__}")
    ordered: dict[Any, Any] = {}
    for key, plain in held[0]:
        own = None
        if isinstance(plain, list):
            own = fresh[key] if isinstance(fresh, defaultdict) else fresh.get(key)
        ordered[key] = _filled(own, plain, f"{where}[{key!r}]")
    fresh.clear()
    for key, value in ordered.items():
        fresh[key] = value
    return fresh


def _fill_vector(fresh: Any, held: list[PlainValue], where: str) -> Any:
    """Optimizers make theirs when they learn their first row."""
    return _fill_mapping(VectorDict() if fresh is None else fresh, held, where)


def _fill_list(fresh: Any, held: list[PlainValue], where: str) -> Any:
    if not isinstance(fresh, list | tuple | set | frozenset | deque):
        raise NotPlainError(f"{where} is a list, expected {type(fresh).__name__}")
    plains = held[0]
    is_plain = not any(isinstance(one, list) for one in plains)
    if not is_plain and (len(fresh) != len(plains) or isinstance(fresh, set | frozenset)):
        raise NotPlainError(f"{where} has {len(plains)} parts, expected {len(fresh)}")
    own = [None] * len(plains) if is_plain else [*fresh]
    items = [_filled(one, plain, f"{where}[]") for one, plain in zip(own, plains, strict=True)]
    if isinstance(fresh, deque):
        return deque(items, fresh.maxlen)
    if isinstance(fresh, list):
        fresh[:] = items
        return fresh
    if isinstance(fresh, tuple) and not is_plain:
        return fresh  # Its parts were filled where they are.
    return type(fresh)(items)


def _fill_compiled(fresh: Any, held: list[PlainValue], where: str) -> Any:
    if not type(fresh).__module__.startswith(_COMPILED_MODULE):
        raise NotPlainError(f"{where} is a statistic, expected {type(fresh).__name__}")
    try:
        fresh.__setstate__(held[0])
    except BaseException as error:  # Compiled code panics at bytes that are wrong.
        raise_unless_fault(error)
        raise NotPlainError(f"{where} is no such statistic") from error
    return fresh


def _fill_array(fresh: Any, held: list[PlainValue], where: str) -> Any:
    kind, shape, content = held
    if not isinstance(fresh, np.ndarray) or fresh.dtype.str != kind:
        raise NotPlainError(f"{where} is an array, expected {type(fresh).__name__}")
    return np.frombuffer(content, kind).reshape(shape).copy()


def _fill_object(fresh: Any, held: list[PlainValue], where: str) -> Any:
    if isinstance(fresh, (*_SCALARS, OrderedDict)) or not hasattr(fresh, "__dict__"):
        raise NotPlainError(f"{where} is an object, expected {type(fresh).__name__}")
    own = vars(fresh)
    for name, plain in held[0].items():
        if name not in own:
            raise NotPlainError(f"{where} has no {name}")
        filled = _filled(own[name], plain, f"{where}.{name}")
        if filled is not own[name]:
            own[name] = filled
    return fresh


_FILLS: dict[str, Callable[[Any, list[PlainValue], str], Any]] = {
    _MAPPING: _fill_mapping,
    _VECTOR: _fill_vector,
    _LIST: _fill_list,
    _COMPILED: _fill_compiled,
    _ARRAY: _fill_array,
    _OBJECT: _fill_object,
}
