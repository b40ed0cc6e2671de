"""Multi-touch attribution of a file of aggregated paths: credit by channel."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeVar

from attribution.multi_touch import heuristics, markov, shapley
from attribution.multi_touch.markov import Chain, Unsolved
from attribution.multi_touch.models import (
    BOUNDS,
    HALF_LIFE_POSITIONS,
    ORDERS_SAMPLED,
    Model,
    is_heuristic,
)
from attribution.multi_touch.paths import (
    ChannelCredit,
    CodedPaths,
    FloatArray,
    Path,
    by_name,
    code_paths,
)
from streams.errors import Stop
from streams.progress import Progress

_Answer = TypeVar("_Answer")

_SEPARATOR = ">"
_AMOUNT_MAX = 1e15
"""Above it, a float no longer tells neighbouring whole numbers apart."""

_GZIP_MAGIC = b"\x1f\x8b"
_PROGRESS_ROWS = 50_000
_COLUMNS = {
    "path": ("path",),
    "conversions": ("conversions", "total_conversions"),
    "value": ("value", "total_conversion_value"),
    "nulls": ("nulls", "total_null"),
}


@dataclass(frozen=True, slots=True)
class CreditPlan:
    """A model and its parameters. Leave those that the model does not use at their defaults."""

    model: Model
    order: int | None = None  # of the Markov chain. None: 1 for markov, no chain for shapley
    half_life: float = HALF_LIFE_POSITIONS
    orders_sampled: int = ORDERS_SAMPLED
    seed: int = 1


@dataclass(frozen=True, slots=True)
class CreditReport:
    """Credit by channel, most first, and further figures of the model (`extra`)."""

    model: Model
    paths: int
    channels: dict[str, ChannelCredit]
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "paths": self.paths,
            "channels": _as_json(self.channels),
            **self.extra,
        }


def run_credit(file: FilePath, plan: CreditPlan, advance: Progress) -> CreditReport:
    """Credit the paths of a file. Stop: the line that is wrong, or a chain that is too large."""
    paths = []
    for path in read_paths(file):
        paths.append(path)
        if len(paths) % _PROGRESS_ROWS == 0:
            advance("reading paths", len(paths), len(paths))
    if not paths:
        raise Stop(f"{file}: the file has no paths")
    advance("crediting", 0, 1)
    return credit_paths(code_paths(paths), plan)


def credit_paths(paths: CodedPaths, plan: CreditPlan) -> CreditReport:
    """Credit paths whose channels are numbered. Stop: a chain that is too large."""
    amounts, extra = _credited(paths, plan)
    named = by_name(paths.channels, amounts)
    return CreditReport(plan.model, len(paths.lengths), named, extra)


def _credited(paths: CodedPaths, plan: CreditPlan) -> tuple[FloatArray, dict[str, Any]]:
    model = plan.model
    if is_heuristic(model):
        extra = {"half_life": plan.half_life} if model == "time_decay" else {}
        return heuristics.heuristic_credit(paths, model, plan.half_life), extra
    if model == "shapley" and plan.order is None:
        return shapley.of_paths(paths), {"method": "exact"}
    order = plan.order or 1
    chain = _solved(markov.fit_chain(paths, order), order)
    if model == "shapley":
        return _shapley(chain, plan, order)
    effects = _solved(markov.removal_effects(chain), order)
    named = _as_json(by_name(paths.channels, effects))
    return markov.removal_credit(effects, paths.totals), {"order": order, "removal_effects": named}


def _shapley(chain: Chain, plan: CreditPlan, order: int) -> tuple[FloatArray, dict[str, Any]]:
    if len(chain.channels) <= BOUNDS.channels_of_exact_game:
        values = _solved(shapley.of_chain(chain), order)
        return values, {"order": order, "method": "exact"}
    orders = shapley.orders_of(chain.channels, plan.orders_sampled, plan.seed)
    sampled = _solved(shapley.sampled(chain, orders), order)
    errors = _as_json(by_name(chain.channels, sampled.standard_error))
    return sampled.values, {
        "order": order,
        "method": "sampled",
        "permutations": 2 * plan.orders_sampled,
        "standard_error": errors,
    }


def _solved(answer: _Answer | Unsolved, order: int) -> _Answer:
    if isinstance(answer, Unsolved):
        raise Stop(
            f"a chain of order {order} of these paths needs more than {answer.limit:,} "
            f"{answer.what}: use a lower --order, or merge rare channels"
        )
    return answer


def _as_json(named: dict[str, ChannelCredit]) -> dict[str, dict[str, float]]:
    return {
        channel: {"conversions": credit.conversions, "value": credit.value}
        for channel, credit in named.items()
    }


def read_paths(file: FilePath) -> Iterator[Path]:
    """The paths of a CSV file, plain or gzip. Stop: FILE:LINE and what is wrong there.

    The columns are path, conversions, value and nulls, or those of the sample of the R package
    ChannelAttribution: path, total_conversions, total_conversion_value and total_null. Other
    columns are ignored.
    """
    with file.open("rb") as content:
        is_gzip = content.read(2) == _GZIP_MAGIC
    with gzip.open(file) if is_gzip else file.open("rb") as content:
        yield from _read(file, content)


def _read(file: FilePath, content: Iterable[bytes]) -> Iterator[Path]:
    reader = csv.reader((line.decode() for line in content), strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
        columns = {column: _column(file, header, column) for column in _COLUMNS}
        for row in reader:
            if row:
                yield _path(row, len(header), columns, f"{file}:{reader.line_num}")
    except csv.Error as error:
        raise Stop(f"{file}:{reader.line_num}: this is not CSV: {error}") from None
    except UnicodeDecodeError:
        raise Stop(f"{file}:{reader.line_num + 1}: this is not UTF-8 text") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Stop(f"{file}:{reader.line_num + 1}: the gzip file is broken: {error}") from None


def _column(file: FilePath, header: list[str], column: str) -> int:
    """The index of a column in the rows."""
    names = _COLUMNS[column]
    found = [index for index, name in enumerate(header) if name in names]
    if len(found) == 1:
        return found[0]
    what = "no" if not found else "more than one"
    raise Stop(f"{file}:1: {what} column {' or '.join(names)} in the header")


def _path(row: list[str], width: int, columns: dict[str, int], where: str) -> Path:
    if len(row) != width:
        raise Stop(f"{where}: {len(row)} fields, but the header has {width}")
    channels = tuple(name.strip() for name in row[columns["path"]].split(_SEPARATOR))
    if not all(channels):
        what = "the path is empty" if len(channels) == 1 else "a channel of the path has no name"
        raise Stop(f"{where}: {what}; write channels with {_SEPARATOR!r} between them")
    amounts = {name: _amount(row[columns[name]], name, where) for name in list(_COLUMNS)[1:]}
    if amounts["value"] and not amounts["conversions"]:
        raise Stop(f"{where}: a value of {amounts['value']:g} without a conversion")
    return Path(channels, amounts["conversions"], amounts["value"], amounts["nulls"])


def _amount(text: str, name: str, where: str) -> float:
    try:
        amount = float(text.replace("_", "?"))  # Python alone reads 1_000 as a number.
    except ValueError:
        raise Stop(f"{where}: {name} is not a number: {text[:40]!r}") from None
    if not 0 <= amount <= _AMOUNT_MAX:
        raise Stop(f"{where}: {name} is out of range: {text[:40]}; allowed: 0 to {_AMOUNT_MAX:g}")
    return amount
