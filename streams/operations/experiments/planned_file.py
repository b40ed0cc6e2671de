"""Plans the experiment that a file defines."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, NamedTuple

from online_models.experiments.design import (
    ExperimentDefinition,
    ExperimentPlan,
    plan_of,
    read_definition,
)
from schemas.file_error import FileError
from schemas.time import format_duration
from streams.errors import Stop


class PlannedFile(NamedTuple):
    """A definition, and its plan if it says what to expect."""

    definition: ExperimentDefinition
    plan: ExperimentPlan | None

    def as_json(self) -> dict[str, Any]:
        """Units are those of all variants together; days include the window."""
        return {
            "experiment": self.definition.id,
            "version": self.definition.version,
            "fingerprint": self.definition.fingerprint(),
            "plan": self.plan._asdict() if self.plan else None,
            "days_declared": self._days_declared(),
        }

    def sentences(self) -> list[str]:
        definition = self.definition
        control, *treatments = (variant.name for variant in definition.variants)
        named = ", ".join(treatments)
        lines = [
            f"{definition.id}, version {definition.version}, fingerprint "
            f"{definition.fingerprint()}: {named} beside {control}, judged by {definition.primary} "
            f"within {format_duration(definition.window_ms)} of the first exposure."
        ]
        if self.plan is None:
            return [*lines, "Add [expected] to learn how many units and days it needs."]
        plan, expected = self.plan, definition.expected
        assert expected is not None
        lines.append(
            f"To show {expected.lift:+.1%} in 80 % of cases it needs {plan.units:,} units, read at "
            f"any time ({plan.units_at_one_look:,} if it were looked at once, at the end)."
        )
        lines.append(
            f"At {plan.units_a_day:,.0f} units a day that takes {plan.days:,} days, the window "
            "included, from when all its traffic is in."
        )
        declared = self._days_declared()
        if declared is not None and declared < plan.days:
            lines.append(
                f"It is declared to end after {declared} days: too early. End later, take more "
                "traffic, or look for a larger lift."
            )
        return lines

    def _days_declared(self) -> int | None:
        if not (self.definition.starts and self.definition.ends):
            return None
        ends, starts = (
            datetime.date.fromisoformat(day)
            for day in (self.definition.ends, self.definition.starts)
        )
        return (ends - starts).days


def plan_file(path: Path) -> PlannedFile:
    """Stop: FILE: the key that is wrong, and what is allowed."""
    try:
        definition = read_definition(path.read_text(encoding="utf-8"))
    except FileError as error:
        raise Stop(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise Stop(f"{path}: this is not UTF-8 text") from None
    return PlannedFile(definition, plan_of(definition))
