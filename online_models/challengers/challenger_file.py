"""The tables [[target.challenger]] of a file of targets.

    [[target.challenger]]
    name = "ftrl"
    estimator = "river.linear_model.LogisticRegression"
    one_in = 1

    [target.challenger.parameters]
    optimizer = { estimator = "river.optim.FTRLProximal", alpha = 0.05 }

Whether the class or factory is there, and takes these parameters, is asked when a worker starts:
`check_challengers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from online_models.challengers.declaration import (
    RIVER_CHALLENGERS_MAX,
    ROW_MICROSECONDS_MAX,
    STATE_BYTES_MAX,
    RiverDeclaration,
)
from schemas.file_error import FileError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = ("main", "rates")
_LARGEST = {"one_in": 10_000, "row_microseconds": 20_000, "state_bytes": 32_000_000}


class ChallengerTable(Struct, forbid_unknown_fields=True):
    """One challenger as it is written."""

    name: str
    estimator: str = ""
    factory: str = ""
    parameters: dict[str, Any] = {}
    one_in: int = 1
    row_microseconds: int = ROW_MICROSECONDS_MAX
    state_bytes: int = STATE_BYTES_MAX


def read_challengers(
    written: Sequence[ChallengerTable], where: str
) -> tuple[RiverDeclaration, ...]:
    """The declarations. FileError: one is contradictory, out of range or twice."""
    if len(written) > RIVER_CHALLENGERS_MAX:
        raise FileError(where, f"there are {len(written)}", f"up to {RIVER_CHALLENGERS_MAX}")
    found: list[RiverDeclaration] = []
    for index, table in enumerate(written):
        own = f"{where}[{index}]"
        if not _NAME.fullmatch(table.name) or table.name in _RESERVED:
            allowed = "lower-case letters, digits and _, up to 32, and not main or rates"
            raise FileError(f"{own}.name", f"{table.name!r} is not a name of a challenger", allowed)
        if any(table.name == other.name for other in found):
            raise FileError(f"{own}.name", f"{table.name!r} is declared twice")
        if bool(table.estimator) == bool(table.factory):
            raise FileError(own, "it names no classifier, or two", "estimator or factory")
        for limit, largest in _LARGEST.items():
            if not 1 <= getattr(table, limit) <= largest:
                raise FileError(
                    f"{own}.{limit}", f"{getattr(table, limit)} is out of range", f"1 to {largest}"
                )
        found.append(
            RiverDeclaration(
                name=table.name,
                estimator=table.estimator,
                factory=table.factory,
                parameters=table.parameters,
                one_in=table.one_in,
                row_microseconds=table.row_microseconds,
                state_bytes=table.state_bytes,
            )
        )
    return tuple(found)


def check_challengers(target: str, declared: Iterable[RiverDeclaration]) -> None:
    """Make each. FileError: its code is not here, or does not take its parameters."""
    for declaration in declared:
        from online_models.challengers.new_estimator import ChallengerError, check_estimator

        try:
            check_estimator(declaration)
        except ChallengerError as fault:
            raise FileError(
                f"challenger {declaration.name} of target {target}", str(fault)
            ) from fault
