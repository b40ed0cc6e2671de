"""What experiments the log has ordered: a fold over orders, whatever order they are read in.

An order holds from its log time on. So who is assigned at a moment follows from the orders until
then, and from nothing else: not from which partition read them first, nor from when.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from online_models.experiments.design.assignment import (
    LayerFullError,
    Placement,
    RunningExperiment,
    place_in_layer,
)
from online_models.experiments.design.definition import ExperimentDefinition
from online_models.experiments.design.definition_file import read_definition
from schemas.file_error import FileError
from schemas.records import OrderGiven
from schemas.time import LogMs

ORDERS_MAX = 4_096
"""Orders that are remembered; then no further experiment can be started."""

OrderResult = Literal["obeyed", "repeated", "refused"]


class OrderVerdict(NamedTuple):
    """What follows from an order. `experiment` None: it names none that is known."""

    verdict: OrderResult
    refusal: str = ""
    experiment: OrderedExperiment | None = None


class OrderedExperiment:
    """An experiment that was started, and how it went on."""

    def __init__(
        self, definition: ExperimentDefinition, placement: Placement, at: LogMs, share: float
    ) -> None:
        self.definition = definition
        self.fingerprint = definition.fingerprint()
        self.placement = placement
        self.started_at = at
        self.ended_at: LogMs | None = None
        self.shipped = ""
        self._ramp_times = [at]
        self._ramps = [RunningExperiment(definition, placement, share)]

    @property
    def share(self) -> float:
        """The share of its traffic that is assigned by the latest order."""
        return self._ramps[-1].ramp

    def widen(self, at: LogMs, share: float) -> None:
        self._ramp_times.append(at)
        self._ramps.append(RunningExperiment(self.definition, self.placement, share))

    def running_at(self, moment: LogMs) -> tuple[int, RunningExperiment] | None:
        """The number of the ramp step at a moment, and what assigns then; None: nothing does."""
        if self.ended_at is not None and moment >= self.ended_at:
            return None
        step = bisect_right(self._ramp_times, moment) - 1
        return None if step < 0 else (step, self._ramps[step])


class OrderBook:
    """All orders, and the experiments that follow. Falsy while there are none."""

    def __init__(self) -> None:
        self._orders: list[tuple[LogMs, tuple[int, int, int], str]] = []
        self._by_id: dict[str, OrderGiven] = {}
        self._verdicts: dict[str, OrderVerdict] = {}
        self._versions: dict[tuple[str, str], list[OrderedExperiment]] = {}
        self._of_app: dict[str, list[OrderedExperiment]] = {}

    def __bool__(self) -> bool:
        return bool(self._of_app)

    def of_app(self, app_id: str) -> Sequence[OrderedExperiment]:
        """Every experiment of an app that was ever started, the earliest first."""
        return self._of_app.get(app_id, ())

    def restore(self, orders: Iterable[OrderGiven]) -> None:
        """Take the orders of a state, in any order."""
        for order in orders:
            self._remember(order)
        self._fold()

    def add(self, order: OrderGiven) -> OrderVerdict | None:
        """Obey an order, or say why not. None: this very order is known."""
        if order.order_id in self._by_id:
            return None
        is_last = not self._orders or (order.ts, order.source) > self._orders[-1][:2]
        self._remember(order)
        if is_last:
            self._verdicts[order.order_id] = self._obey(order)
        else:
            self._fold()
        return self._verdicts[order.order_id]

    def _remember(self, order: OrderGiven) -> None:
        self._by_id[order.order_id] = order
        insort(self._orders, (order.ts, order.source, order.order_id))

    def _fold(self) -> None:
        self._verdicts, self._versions, self._of_app = {}, {}, {}
        for *_, order_id in self._orders:
            self._verdicts[order_id] = self._obey(self._by_id[order_id])

    def _obey(self, order: OrderGiven) -> OrderVerdict:
        versions = self._versions.get((order.app_id, order.experiment_id), [])
        if order.kind == "start":
            return self._start(order, versions)
        if not versions:
            return OrderVerdict("refused", f"app {order.app_id} has no such experiment: start it")
        return _continue(order, versions[-1])

    def _start(self, order: OrderGiven, versions: list[OrderedExperiment]) -> OrderVerdict:
        try:
            definition = read_definition(order.definition)
        except FileError as error:
            return OrderVerdict("refused", str(error))
        latest = versions[-1] if versions else None
        refusal = _misfit(order, definition)
        if not refusal and latest is not None:
            if _is_same(latest, definition):
                return OrderVerdict("repeated", "", latest)
            refusal = _conflict(latest, definition)
        if not refusal and len(self._orders) > ORDERS_MAX:
            refusal = f"the log has {ORDERS_MAX:,} orders about experiments: no more are remembered"
        if refusal:
            return OrderVerdict("refused", refusal, latest)
        of_app = self._of_app.get(order.app_id, [])
        taken = [
            one.placement
            for one in of_app
            if one.definition.layer == definition.layer and one.ended_at is None
        ]
        try:
            placement = place_in_layer(taken, definition.traffic)
        except LayerFullError as error:
            return OrderVerdict("refused", f"layer {definition.layer}: {error}", latest)
        share = order.share if order.share >= 0.0 else definition.ramp[0]
        started = OrderedExperiment(definition, placement, order.ts, share)
        self._versions.setdefault((order.app_id, order.experiment_id), []).append(started)
        self._of_app.setdefault(order.app_id, []).append(started)
        return OrderVerdict("obeyed", "", started)


def _misfit(order: OrderGiven, definition: ExperimentDefinition) -> str:
    """Why an order and its definition do not belong together; empty: they do."""
    if definition.id != order.experiment_id or definition.app_id != order.app_id:
        named = f"{definition.id} of {definition.app_id}"
        return f"the definition is of {named}, and the order of {order.experiment_id}"
    if definition.unit != "install":
        return f"unit: {definition.unit} cannot be assigned in the log: install can"
    if order.share == 0.0:
        return "share: nobody would be assigned: above 0, up to 1"
    return ""


def _is_same(latest: OrderedExperiment, definition: ExperimentDefinition) -> bool:
    return latest.ended_at is None and latest.fingerprint == definition.fingerprint()


def _conflict(latest: OrderedExperiment, definition: ExperimentDefinition) -> str:
    """Why a definition cannot follow the latest one of the experiment; empty: it can."""
    known, version = latest.definition, definition.version
    if latest.ended_at is not None:
        if version > known.version:
            return ""
        return f"version: {known.version} has ended: a start needs a higher one"
    if version != known.version:
        return f"version {known.version} runs: stop it before version {version} starts"
    fields = (name for name in known.__struct_fields__)
    changed = [name for name in fields if getattr(known, name) != getattr(definition, name)]
    return f"{changed[0]}: it has changed while version {version} runs: stop, and raise `version`"


def _continue(order: OrderGiven, experiment: OrderedExperiment) -> OrderVerdict:
    """Widen, stop or ship the latest version of an experiment."""
    match order.kind:
        case "ramp":
            verdict, refusal = _widen(order, experiment)
        case "stop":
            is_ended = experiment.ended_at is not None
            verdict, refusal = ("repeated" if is_ended else "obeyed"), ""
        case _:
            verdict, refusal = _ship(order, experiment)
    if verdict == "obeyed" and order.kind != "ramp" and experiment.ended_at is None:
        experiment.ended_at = order.ts
    return OrderVerdict(verdict, refusal, experiment)


def _widen(order: OrderGiven, experiment: OrderedExperiment) -> tuple[OrderResult, str]:
    if experiment.ended_at is not None:
        return "refused", "it has ended: start a new version"
    if order.share < 0.0:
        return "refused", "share: a ramp needs one"
    if order.share < experiment.share:
        return "refused", f"share: it is {experiment.share:g} already, and a ramp only widens"
    if order.share == experiment.share:
        return "repeated", ""
    experiment.widen(order.ts, order.share)
    return "obeyed", ""


def _ship(order: OrderGiven, experiment: OrderedExperiment) -> tuple[OrderResult, str]:
    names = [variant.name for variant in experiment.definition.variants]
    if order.variant not in names:
        return "refused", f"variant {order.variant!r} is none of {', '.join(names)}"
    if experiment.shipped:
        is_same = experiment.shipped == order.variant
        return ("repeated", "") if is_same else ("refused", f"{experiment.shipped} is shipped")
    experiment.shipped = order.variant
    return "obeyed", ""
