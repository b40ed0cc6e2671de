"""Writes a pair model as the [pair_model] section of a rule file, and reads it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec import json

from attribution.probabilistic.pair_model import DELAY_BINS, PairModel
from schemas.file_error import FileError, convert_value

ODDS_MAX = 50.0
"""Largest natural logarithm accepted: no table of counts gives more, so more is a typing error."""


def pair_model_toml(model: PairModel) -> str:
    """The section as TOML, with a final line break."""
    values = msgspec.to_builtins(model)
    lines = [
        "[pair_model]",
        *(_line(name, values[name]) for name in values if not _is_table(values[name])),
    ]
    for table in (name for name in values if _is_table(values[name])):
        lines += ["", f"[pair_model.{table}]"]
        lines += [_line(name, value) for name, value in values[table].items()]
    return "\n".join(lines) + "\n"


def read_pair_model(values: Any) -> PairModel:
    """The model of a [pair_model] section. FileError: the first key that is wrong."""
    model: PairModel = convert_value(values, PairModel, "pair_model")
    delays = {"click_delay": model.click_delay, "view_delay": model.view_delay}
    delays |= {f"source_delay.{name}": odds for name, odds in model.source_delay.items()}
    for name, odds in delays.items():
        if len(odds) != DELAY_BINS:
            raise FileError(f"pair_model.{name}", f"it has {len(odds)} numbers", f"{DELAY_BINS}")
    for number in _numbers(msgspec.to_builtins(model)):
        if not math.isfinite(number) or abs(number) > ODDS_MAX:
            allowed = f"logarithms from -{ODDS_MAX:g} to {ODDS_MAX:g}"
            raise FileError("pair_model", f"{number} is out of range", allowed)
    if model.slope <= 0:
        raise FileError("pair_model.slope", f"{model.slope} is out of range", "more than 0")
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
