"""Units, variants and values of a file, checked: one row a unit, one variant a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from online_models.experiments import ExperimentUnits, UnitColumn
from streams.errors import Stop
from streams.operations.experiments.cell_values import AS_WRITTEN, BadCell, CellRules, read_numbers
from streams.operations.experiments.unit_file import UnitFile, open_unit_file
from streams.progress import Progress

VARIANTS_READ_MAX = 20
"""More than these are no variants, but most likely the units or an amount."""

_CONTROL = re.compile(r"(control|baseline|holdout|default|off|original|placebo|ctrl|0|false)")
_CONTROL_PREFIX = re.compile(r"(control|holdout|baseline|no)[ _-].*")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """Which columns of the file are what. A metric `a/b` is the ratio of two columns, unless a
    column has that name."""

    variant: str
    metrics: Sequence[str]
    unit: str | None = None
    covariates: Sequence[str] = ()
    control: str | None = None
    time: str | None = None
    cells: CellRules = AS_WRITTEN


@dataclass(frozen=True, slots=True)
class FileUnits:
    """Units as they are analyzed. `control_is_guess`: no name said which variant is the control."""

    units: ExperimentUnits
    metrics: tuple[UnitColumn, ...]
    covariates: tuple[UnitColumn, ...]
    control_is_guess: bool


def read_units(path: Path, plan: FilePlan, advance: Progress) -> FileUnits:
    """The units of a file. Stop: FILE:LINE and what is wrong there."""
    asked = [*plan.metrics, *plan.covariates]
    parts = [part for name in asked for part in [name, *name.split("/")]]
    file = open_unit_file(path, [plan.variant, *([plan.unit] if plan.unit else []), *parts])
    pairs = {name: _columns_of(name, file.header) for name in asked}
    columns = list(dict.fromkeys(column for pair in pairs.values() for column in pair))
    codes, names, values = _read(file, plan, columns, advance)
    _require_variants(path, plan, names)
    control, is_guess = _control(path, plan, names)
    order = [control, *sorted((n for n in names if n != control), key=_natural)]
    renumbered = np.array([order.index(name) for name in names], dtype=np.int64)[codes]

    def column(name: str) -> UnitColumn:
        value, *below = [columns.index(part) for part in pairs[name]]
        is_binary = not below and bool(np.isin(values[:, value], (0.0, 1.0)).all())
        return UnitColumn(name, value, below[0] if below else None, is_binary)

    units = ExperimentUnits(tuple(order), renumbered, values)
    metrics = tuple(column(name) for name in dict.fromkeys(plan.metrics))
    for metric in metrics:
        _require_variation(path, units, metric)
    covariates = tuple(column(name) for name in dict.fromkeys(plan.covariates))
    return FileUnits(units, metrics, covariates, is_guess)


def _columns_of(name: str, header: Sequence[str]) -> tuple[str, ...]:
    """One column, or those of a ratio."""
    if name in header or name.count("/") != 1:
        return (name,)
    return tuple(part.strip() for part in name.split("/"))


def _read(
    file: UnitFile, plan: FilePlan, columns: list[str], advance: Progress
) -> tuple[NDArray[np.int64], list[str], NDArray[np.float64]]:
    names: dict[str, int] = {}
    codes: list[NDArray[np.int64]] = []
    numbers: list[NDArray[np.float64]] = []
    hashes: list[NDArray[np.int64]] = []
    wanted = [plan.variant, *columns, *([plan.unit] if plan.unit else [])]
    for first, chunk in file.columns(wanted):
        codes.append(_coded(file, first, chunk[0], names))
        table = np.empty((len(chunk[0]), len(columns)))
        for index, column in enumerate(columns):
            read = read_numbers(chunk[1 + index], plan.cells)
            if isinstance(read, BadCell):
                raise file.fault(first + read.row, f"{column} {read.wrong}")
            table[:, index] = read
        numbers.append(table)
        if plan.unit:
            texts = chunk[1 + len(columns)]
            if not all(map(str.strip, texts)):
                index = next(i for i, text in enumerate(texts) if not text.strip())
                raise file.fault(first + index, f"{plan.unit} is empty: a row needs its unit")
            hashes.append(np.fromiter(map(hash, map(str.strip, texts)), np.int64, len(texts)))
        advance("reading units", first + len(chunk[0]), first + len(chunk[0]))
    if not codes:
        raise Stop(f"{file.path.name}: there are no units below the header")
    if plan.unit:
        _require_distinct(file, plan, np.concatenate(hashes))
    return np.concatenate(codes), list(names), np.concatenate(numbers)


def _coded(
    file: UnitFile, first: int, texts: Sequence[str], names: dict[str, int]
) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        name = text.strip().encode("utf-8", "backslashreplace").decode()
        if not name or name.lower() in ("nan", "null", "none"):
            cell = f"is {name!r}" if name else "is empty"
            raise file.fault(
                first + texts.index(text), f"the variant {cell}: leave units without one out"
            )
        known[text] = names.setdefault(name, len(names))
        if len(names) > VARIANTS_READ_MAX:
            raise Stop(
                f"{file.path.name}: the column of variants has more than {VARIANTS_READ_MAX} "
                "values: name the one that says who was treated how"
            )
    return np.fromiter(map(known.__getitem__, texts), np.int64, len(texts))


def _require_distinct(file: UnitFile, plan: FilePlan, hashes: NDArray[np.int64]) -> None:
    """Stop: a unit has two rows, of one variant or of two. Texts are compared where hashes are
    equal."""
    ordered = np.sort(hashes)
    twice = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    if not twice or plan.unit is None:
        return
    met: dict[str, tuple[int, str]] = {}
    for first, (units, variants) in file.columns([plan.unit, plan.variant]):
        for index, text in enumerate(units):
            unit = text.strip()
            if hash(unit) not in twice:
                continue
            variant = variants[index].strip()
            row, before = met.setdefault(unit, (first + index, variant))
            if row == first + index:
                continue
            line = file.line_of(row)
            if before != variant:
                raise file.fault(
                    first + index,
                    f"unit {unit[:40]!r} is in {variant!r}, and in {before!r} on line {line}: "
                    "a unit has one variant; leave out those that saw both, and say how many",
                )
            raise file.fault(
                first + index,
                f"unit {unit[:40]!r} was on line {line} already: add up its rows first, since "
                "rows of one unit are not independent",
            )


def _require_variants(path: Path, plan: FilePlan, names: Sequence[str]) -> None:
    if len(names) == 1:
        raise Stop(
            f"{path.name}: all units are in {names[0]!r}: there is nothing to compare with; "
            f"is {plan.variant!r} the column of variants?"
        )


def _control(path: Path, plan: FilePlan, names: Sequence[str]) -> tuple[str, bool]:
    """The control, and whether only its place among the names says so."""
    if plan.control is not None:
        if plan.control not in names:
            known = ", ".join(sorted(names, key=_natural))
            raise Stop(
                f"{path.name}: no unit is in the control {plan.control!r}: there are {known}"
            )
        return plan.control, False
    for pattern in (_CONTROL, _CONTROL_PREFIX):
        found = [name for name in names if pattern.fullmatch(name.lower())]
        if len(found) > 1:
            both = " and ".join(sorted(found, key=_natural))
            raise Stop(f"{path.name}: {both} may be the control: say --control NAME")
        if found:
            return found[0], False
    return min(names, key=_natural), True


def _natural(name: str) -> list[tuple[int, str]]:
    """gate_9 before gate_30."""
    return [(int(p), "") if p.isdigit() else (0, p.lower()) for p in _DIGITS.split(name)]


def _require_variation(path: Path, units: ExperimentUnits, metric: UnitColumn) -> None:
    """Stop: nothing varies within variants, or a ratio has nothing below."""
    if metric.denominator is not None:
        for code, variant in enumerate(units.variants):
            if units.values[units.codes == code, metric.denominator].sum() <= 0:
                below = metric.name.split("/")[1]
                raise Stop(
                    f"{path.name}: {below} adds up to nothing in {variant!r}: {metric.name} has no "
                    "value there"
                )
    column = units.values[:, metric.value]
    for code, variant in enumerate(units.variants):
        own = column[units.codes == code]
        if len(own) < 2:
            raise Stop(f"{path.name}: {variant!r} has one unit: nothing can be compared with it")
    spans = [np.ptp(column[units.codes == code]) for code in range(len(units.variants))]
    if not any(spans):
        raise Stop(
            f"{path.name}: {metric.name} is the same for all units of a variant: it measures "
            "nothing, or repeats the variant"
        )
