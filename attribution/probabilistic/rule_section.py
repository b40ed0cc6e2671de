"""A pair model as a [pair_model] section of a rule file, written and read again."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec import json

from attribution.probabilistic.pair_model import DELAY_BINS, PairModel

ODDS_MAX = 50.0
"""No table of counts gives larger natural logarithms; more is a slip of the pen."""


def pair_model_toml(model: PairModel) -> str:
    """The section, with a line end."""
    said = msgspec.to_builtins(model)
    lines = [
        "[pair_model]",
        *(_line(name, said[name]) for name in said if not _is_table(said[name])),
    ]
    for table in (name for name in said if _is_table(said[name])):
        lines += ["", f"[pair_model.{table}]"]
        lines += [_line(name, value) for name, value in said[table].items()]
    return "\n".join(lines) + "\n"


def read_pair_model(values: Any) -> PairModel | str:
    """The model, or what is wrong with it."""
    try:
        model = msgspec.convert(values, PairModel)
    except msgspec.ValidationError as error:
        return str(error)
    delays = {"click_delay": model.click_delay, "view_delay": model.view_delay}
    delays |= {f"source_delay.{name}": odds for name, odds in model.source_delay.items()}
    for name, odds in delays.items():
        if len(odds) != DELAY_BINS:
            return f"{name} has {len(odds)} numbers, expected {DELAY_BINS}"
    for number in _numbers(msgspec.to_builtins(model)):
        if not math.isfinite(number) or abs(number) > ODDS_MAX:
            return f"{number} is no logarithm between -{ODDS_MAX:g} and {ODDS_MAX:g}"
    if model.slope <= 0:
        return f"slope is {model.slope}, expected more than 0"
    return model


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _line(name: str, value: Any) -> str:
    # JSON strings and arrays of numbers are TOML, too.
    key = name if name.isidentifier() and name.isascii() else json.encode(name).decode()
    return f"{key} = {json.encode(value).decode()}"


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for one in value for number in _numbers(one)]
    return [float(value)]
