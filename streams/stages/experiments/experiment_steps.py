"""Who is assigned, and who has met a variant, in one decision of the journeys stage.

An install is assigned when it reaches the landmark of an experiment, from the prediction made
there, by the orders that were in force at that log time. An exposure is judged once log time has
reached it, so that which of two records is read first decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import msgpack
from msgspec.structs import replace

from attribution.journey import Journey
from attribution.privacy.choices import is_refused_at
from online_models.experiments.design.assignment import (
    NotAssigned,
    RunningExperiment,
    UnitFacts,
    ineligibility,
)
from online_models.experiments.design.learned_labels import copies_of
from online_models.experiments.design.order_book import OrderBook, OrderedExperiment, OrderVerdict
from online_models.scoring.prospects import Prospect
from online_models.targets.targets import Targets
from schemas import topics
from schemas.outcomes.experiment import AssignmentReason
from schemas.records import ExposureSeen, OrderGiven, StoredFormat, UnitAssignment
from schemas.time import DAY_MS, LogMs
from streams.stages.common.outbox import Outbox
from streams.stages.experiments.experiment_rows import (
    AssignedAt,
    Status,
    assignment_row,
    order_row,
    unit_exposure_row,
    unit_facts,
)

ORDER_PREFIX = b"\x00order:"
"""Begin of the state keys of orders."""

ORDER_FORMAT: StoredFormat[OrderGiven] = StoredFormat("an order about an experiment", OrderGiven)

_encode = msgpack.Encoder().encode

LATE_MS = DAY_MS
"""An install that is known only so long after its landmark is not assigned: a treatment for its age
would come too late."""

EXPERIMENTS_PER_INSTALL_MAX = 16
"""Experiments that an install remembers, and exposures that wait at a time."""

REPORTED: dict[Status, int] = {"first": 1, "other_variant": 2, "unassigned": 4}


@dataclass(slots=True)
class OrderedExperiments:
    """The orders of a partition, and those that its state lacks. `tells_orders`: every partition
    obeys, and one of them reports."""

    tells_orders: bool = False
    book: OrderBook = field(default_factory=OrderBook)
    unsaved: list[OrderGiven] = field(default_factory=list)

    def changes(self) -> dict[bytes, bytes | None]:
        """The state of orders that are new since the last call."""
        changes: dict[bytes, bytes | None] = {
            _order_key(order): ORDER_FORMAT.marker + _encode(order) for order in self.unsaved
        }
        self.unsaved.clear()
        return changes


def _order_key(order: OrderGiven) -> bytes:
    return ORDER_PREFIX + order.order_id.encode(errors="surrogatepass")


class ExperimentSteps:
    """Obeys orders, assigns installs and judges exposures."""

    def __init__(
        self,
        orders: OrderedExperiments,
        outbox: Outbox,
        on_evicted: Callable[[str, int], None],
    ) -> None:
        self._orders = orders
        self._outbox = outbox
        self._on_evicted = on_evicted

    def __bool__(self) -> bool:
        """Whether there are experiments at all."""
        return bool(self._orders.book)

    def obey(self, order: OrderGiven) -> None:
        """Obey an order, and report what came of it where this partition does."""
        verdict = self._orders.book.add(order)
        if verdict is not None:
            self._orders.unsaved.append(order)
        if self._orders.tells_orders:
            row = order_row(order, verdict or OrderVerdict("repeated"))
            self._outbox.add(topics.EXPERIMENT_ORDERS.name, order.experiment_id, row)

    def assign(
        self, prospect: Prospect, journey: Journey, at: AssignedAt, targets: Targets
    ) -> Prospect:
        """Assign an install to the experiments of its app that concern it at this landmark."""
        if journey.erased_ts:
            return prospect
        facts: UnitFacts | None = None
        assigned = list(prospect.assigned)
        for ordered in self._orders.book.of_app(at.install.app_id):
            definition = ordered.definition
            if definition.eligibility.landmark != at.landmark:
                continue
            running = ordered.running_at(at.moment)
            if running is None:
                continue
            facts = facts or unit_facts(at, targets)
            if ineligibility(definition.eligibility, facts) is not None:
                continue
            found, reason = _found(running[1], journey, at)
            if reason is None:
                continue
            row = assignment_row(ordered, running, (found, reason), at, prospect)
            self._outbox.add(topics.ASSIGNMENTS.name, at.install.install_id, row)
            if found >= 0:
                assigned.append(_kept(ordered, found, at))
        if len(assigned) == len(prospect.assigned):
            return prospect
        if len(assigned) > EXPERIMENTS_PER_INSTALL_MAX:
            self._on_evicted("experiments_per_install_max", 1)
            del assigned[:-EXPERIMENTS_PER_INSTALL_MAX]
        return replace(prospect, assigned=tuple(assigned))

    def expect(self, prospect: Prospect, seen: ExposureSeen) -> Prospect:
        """Keep an exposure until log time has reached it."""
        if len(prospect.exposures) >= EXPERIMENTS_PER_INSTALL_MAX:
            self._on_evicted("exposures_per_install_max", 1)
            return prospect
        return replace(prospect, exposures=(*prospect.exposures, seen))

    def judge(self, prospect: Prospect, now: LogMs) -> Prospect:
        """Judge the exposures that log time has reached, in the order in which they were logged."""
        due = [one for one in prospect.exposures if one.ts <= now]
        if not due:
            return prospect
        left = tuple(one for one in prospect.exposures if one.ts > now)
        assigned = list(prospect.assigned)
        for seen in sorted(due, key=lambda one: (one.ts, one.source)):
            self._judge(seen, assigned)
        return replace(prospect, exposures=left, assigned=tuple(assigned))

    def _judge(self, seen: ExposureSeen, assigned: list[UnitAssignment]) -> None:
        number, known = _assignment_of(seen, assigned)
        status: Status = "unassigned"
        if known is not None and known.version:
            status = "first" if known.variant == seen.variant else "other_variant"
        if known is None:
            if len(assigned) >= EXPERIMENTS_PER_INSTALL_MAX:
                self._on_evicted("experiments_per_install_max", 1)
                return
            assigned.append(known := UnitAssignment(seen.experiment_id, 0, at=seen.ts))
            number = len(assigned) - 1
        if known.reported & REPORTED[status]:
            return
        assigned[number] = replace(known, reported=known.reported | REPORTED[status])
        self.tell(seen, status, known)

    def tell(self, seen: ExposureSeen, status: Status, known: UnitAssignment | None = None) -> None:
        """Report an exposure; `known`: what the install is assigned to."""
        row = unit_exposure_row(seen, status, known)
        self._outbox.add(topics.EXPERIMENT_EXPOSURES.name, seen.install_id, row)


def _assignment_of(
    seen: ExposureSeen, assigned: Sequence[UnitAssignment]
) -> tuple[int, UnitAssignment | None]:
    """The latest assignment of the experiment at that log time, else a note that it met one
    unassigned."""
    for number in range(len(assigned) - 1, -1, -1):
        known = assigned[number]
        if known.experiment_id == seen.experiment_id and known.at <= seen.ts:
            return number, known
    return -1, None


def _found(
    running: RunningExperiment, journey: Journey, at: AssignedAt
) -> tuple[int, AssignmentReason | None]:
    """The index of the variant, or -1 and why; None: the experiment does not reach the install."""
    found: int | NotAssigned = running.variant_of(at.install.install_id)
    if found == "holdout":
        return -1, "holdout"
    if not isinstance(found, int):
        return -1, None
    if is_refused_at(journey.choices, at.moment):
        return -1, "opted_out"
    if at.install.ts - at.due > LATE_MS:
        return -1, "late"
    return found, ""


def _kept(ordered: OrderedExperiment, index: int, at: AssignedAt) -> UnitAssignment:
    definition = ordered.definition
    salt = f"{definition.id}:{definition.version}"
    share = definition.variants[0].share
    return UnitAssignment(
        experiment_id=definition.id,
        version=definition.version,
        variant=definition.variants[index].name,
        index=index,
        landmark=at.landmark,
        at=at.moment,
        copies=copies_of(index, share, salt, at.install.install_id),
    )
