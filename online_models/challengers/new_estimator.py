"""Makes the River classifier that a declaration names, untrained.

Only a class of River or a function of code that is installed here can be named, and only in the
local file of targets: nothing that comes from a topic is imported or called.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from river.base import Base, Classifier

from online_models.challengers.declaration import RiverDeclaration
from online_models.challengers.plain_state import raise_unless_fault

_ESTIMATOR = "estimator"
"""Key of a table of parameters that stands for an object of River, such as an optimizer."""


class ChallengerError(ValueError):
    """A declared challenger cannot be made: why, in one line."""


def new_estimator(declared: RiverDeclaration) -> Any:
    """A `river.base.Classifier`. ChallengerError: it cannot be imported, does not take these
    parameters, or is no classifier."""
    if declared.factory:
        make = _of_code(declared.factory)
        made = _made(make, declared.factory, declared.parameters)
    else:
        made = _river_object(declared.estimator, declared.parameters)
    if not isinstance(made, Classifier):
        raise ChallengerError(f"{declared.described} gives no river.base.Classifier")
    if getattr(made, "_multiclass", False) is False and not hasattr(made, "predict_proba_one"):
        raise ChallengerError(f"{declared.described} predicts no chance")
    return made


def check_estimator(declared: RiverDeclaration) -> None:
    """ChallengerError: it cannot be made, or not anew. The copy that scores, and the one that
    begins again, must know nothing of what another learns."""
    first = new_estimator(declared)
    if new_estimator(declared) is first:
        raise ChallengerError(
            f"{declared.described} gives the same object each time: make a new one in each call"
        )


def _river_object(path: str, parameters: Mapping[str, Any]) -> Any:
    module, _, name = path.rpartition(".")
    if not module.startswith("river.") or any(part.startswith("_") for part in path.split(".")):
        raise ChallengerError(
            f"{path!r} is no class of River: write river.MODULE.CLASS, or name your own code as "
            "factory"
        )
    kind = getattr(_imported(module, path), name, None)
    if not (inspect.isclass(kind) and issubclass(kind, Base)):
        raise ChallengerError(f"River has no class {path}")
    return _made(kind, path, {key: _value(value) for key, value in parameters.items()})


def _value(written: Any) -> Any:
    if isinstance(written, Mapping) and _ESTIMATOR in written:
        rest = {key: value for key, value in written.items() if key != _ESTIMATOR}
        return _river_object(str(written[_ESTIMATOR]), rest)
    if isinstance(written, list):
        return [_value(one) for one in written]
    return written


def _of_code(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    make = getattr(_imported(module, path), name, None)
    if not callable(make):
        raise ChallengerError(f"factory {path!r}: {module} has no function {name!r}")
    return make  # type: ignore[no-any-return]  # Any callable does.


def _imported(module: str, path: str) -> Any:
    try:
        return importlib.import_module(module)
    except BaseException as error:  # Code of users may raise anything while it is imported.
        raise_unless_fault(error)
        raise ChallengerError(f"{path!r} cannot be imported: {fault_line(error)}") from error


def _made(make: Callable[..., Any], path: str, parameters: Mapping[str, Any]) -> Any:
    takes: Mapping[str, inspect.Parameter] = {}
    with suppress(TypeError, ValueError):  # It does not say; the call itself will.
        takes = inspect.signature(make).parameters
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values())
    unknown = [] if takes_any or not takes else [name for name in parameters if name not in takes]
    if unknown:
        known = ", ".join(takes) or "none"
        raise ChallengerError(f"{path} has no parameter {unknown[0]!r}; it has: {known}")
    try:
        return make(**parameters)
    except BaseException as error:  # So may its functions.
        raise_unless_fault(error)
        raise ChallengerError(f"{path} cannot be made: {fault_line(error)}") from error


def fault_line(error: BaseException) -> str:
    """An exception in one line of at most 200 characters."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:200].rstrip(": ")
