"""The setting that names models which learn beside the champion."""

from __future__ import annotations

import re
from collections.abc import Mapping

from online_models.learning.rules import MAIN, Contestant
from streams.settings.declaration import Kind

CHALLENGERS_MAX = 4
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def challengers() -> Kind[Mapping[str, float]]:
    """Rates of learning by name, such as fast:0.1,slow:0.01."""

    def parse(written: str) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for part in filter(None, (one.strip() for one in written.split(","))):
            name, _, rate = part.partition(":")
            alpha = float(rate)
            if not _NAME.fullmatch(name) or name in found or name == MAIN:
                raise ValueError
            if not 0.0 < alpha <= 10.0:
                raise ValueError
            found[name] = alpha
        if len(found) > CHALLENGERS_MAX:
            raise ValueError
        return found

    return Kind(f"NAME:RATE, up to {CHALLENGERS_MAX} with commas, such as fast:0.1", parse)


def contestants(rates: Mapping[str, float] | None) -> tuple[Contestant, ...]:
    return tuple(Contestant(name, alpha) for name, alpha in (rates or {}).items())
