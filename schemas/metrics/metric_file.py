"""Reads the file of metrics: each with its formula, unit, maturity and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

from schemas.contracts.views import View
from schemas.file_error import FileError, read_toml

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEXT = re.compile(r"'[^']*'")
_WORD = re.compile(r"\b[a-z][a-z0-9_]*\b(?!\()")
_SQL_WORDS = frozenset({"as", "day", "interval"})


class GrowthMetric(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric."""

    name: str
    title: str
    unit: str
    view: str
    formula: str
    """SQL over rows of the view; sums first, quotients after them."""
    maturity: str
    description: str
    where: str = "1"

    def sql(self, by: str = "app_id") -> str:
        """The metric by a column of its view, as a statement."""
        return (
            f"SELECT {by}, {self.formula} AS {self.name}\n"
            f"FROM {self.view}\nWHERE {self.where}\nGROUP BY {by} ORDER BY {by}"
        )


class _MetricFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    metrics: list[GrowthMetric] = field(name="metric")


def growth_metrics(text: str, views: Mapping[str, View]) -> tuple[GrowthMetric, ...]:
    """The metrics of a file. FileError, in one line: where it is wrong, and what is allowed."""
    found = read_toml(text, _MetricFile).metrics
    names = [metric.name for metric in found]
    for number, metric in enumerate(found):
        where = f"metric[{number}]"
        if not _NAME.fullmatch(metric.name) or names.index(metric.name) != number:
            raise FileError(f"{where}.name", f"{metric.name!r} is no name of its own")
        _require_formula(where, metric, views)
    return tuple(found)


def _require_formula(where: str, metric: GrowthMetric, views: Mapping[str, View]) -> None:
    view = views.get(metric.view)
    if view is None:
        raise FileError(f"{where}.view", f"there is no view {metric.view!r}")
    columns = {column.name for column in view.columns}
    for key, text in (("formula", metric.formula), ("where", metric.where)):
        if text.count("(") != text.count(")"):
            raise FileError(f"{where}.{key}", f"parentheses do not match in {text!r}")
        unknown = sorted(set(_WORD.findall(_TEXT.sub("", text))) - columns - _SQL_WORDS)
        if unknown:
            raise FileError(
                f"{where}.{key}",
                f"{metric.view} has no column {unknown[0]!r}",
                ", ".join(sorted(columns)),
            )
    if not re.search(r"\b(?:sum|count)(?:If)?\(", metric.formula):
        raise FileError(f"{where}.formula", "a metric is made of sums or counts of rows")
