"""Reads what a plan rests on: `[expected]` in the file of a definition."""

from __future__ import annotations

import math

from msgspec import Struct

from online_models.experiments.design.definition import RATE_METRICS, Expectation, Metric
from schemas.file_error import FileError


class ExpectedTable(Struct, forbid_unknown_fields=True):
    units_a_day: float
    baseline: float
    lift: float
    deviation: float | None = None
    payers: float | None = None
    variance_removed: float = 0.0


def require_share(where: str, share: float) -> None:
    """FileError: the number is not a share that anything can have."""
    if not 0.0 < share <= 1.0:
        raise FileError(where, f"{share:g} is not a share", "above 0, up to 1")


def read_expectation(written: ExpectedTable | None, primary: Metric) -> Expectation | None:
    """None: the file expects nothing. FileError: a key that does not fit the primary metric."""
    if written is None:
        return None
    is_rate = primary in RATE_METRICS
    for name in ("units_a_day", "baseline"):
        if not 0.0 < getattr(written, name) < math.inf:
            raise FileError(f"expected.{name}", f"{getattr(written, name):g} is none", "above 0")
    if is_rate and written.baseline >= 1.0:
        raise FileError("expected.baseline", f"{written.baseline:g} is not a rate", "below 1")
    if is_rate == (written.deviation is not None):
        wrong = "it follows from a rate" if is_rate else f"it is missing: {primary} is an amount"
        allowed = "leave it out" if is_rate else "the standard deviation of a unit"
        raise FileError("expected.deviation", wrong, allowed)
    if written.deviation is not None and not 0.0 < written.deviation < math.inf:
        raise FileError("expected.deviation", f"{written.deviation:g} is none", "above 0")
    if not -1.0 < written.lift < math.inf or written.lift == 0.0:
        wrong = f"{written.lift:g} is not a lift to show"
        raise FileError("expected.lift", wrong, "a share of the baseline such as 0.1, not 0")
    if not 0.0 <= written.variance_removed < 1.0:
        raise FileError("expected.variance_removed", "it is out of range", "0 or more, below 1")
    if primary.startswith("arppu") == (written.payers is None):
        wrong = f"{primary} is {'' if written.payers is None else 'not '}made of payers only"
        raise FileError("expected.payers", wrong, "the share of units that pay, for arppu alone")
    if written.payers is not None:
        require_share("expected.payers", written.payers)
    return Expectation(
        units_a_day=written.units_a_day,
        baseline=written.baseline,
        lift=written.lift,
        deviation=written.deviation,
        payers=1.0 if written.payers is None else written.payers,
        variance_removed=written.variance_removed,
    )
