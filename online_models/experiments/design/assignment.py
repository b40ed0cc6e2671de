"""Who is in which variant: a pure function of the unit and of what is in force.

A unit falls on one place of a layer, by a hash of its own for each layer: experiments of one layer
take ranges of places and exclude each other, those of two layers are independent. Of its range, an
experiment uses the first part up to its ramp, so that widening adds units and moves nobody. Which
variant a unit of the range is in says a second hash, of the experiment and its version. The global
holdout is a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from msgspec import Struct

from online_models.experiments.design.definition import Eligibility, ExperimentDefinition
from schemas.buckets import BUCKETS, bucket_of_bytes, salt_prefix

HOLDOUT_SHARE = 0.05
"""Units that no experiment may touch: what all of them are worth together is seen beside these."""

_HOLDOUT = salt_prefix("experiment-holdout")
_HOLDOUT_END = round(HOLDOUT_SHARE * BUCKETS)

NotAssigned = Literal[
    "holdout", "outside_traffic", "before_ramp", "landmark", "segment", "country", "platform",
    "chance", "amount",
]  # fmt: skip


class LayerFullError(ValueError):
    """The experiments of a layer leave no range that is wide enough."""


class Placement(NamedTuple):
    """The range of a layer that an experiment has, in buckets: from `first` up to `end`,
    excluded."""

    first: int
    end: int


class UnitFacts(Struct, frozen=True, kw_only=True):
    """What is known of a unit when it is assigned."""

    landmark: int = 0
    segment: str = ""
    country: str = ""
    platform: str = ""
    chance: float | None = None
    amount: float | None = None


class RunningExperiment:
    """A definition in force, with what an assignment needs worked out.

    `ramp`: the share of its traffic that is assigned now.
    """

    def __init__(
        self, definition: ExperimentDefinition, placement: Placement, ramp: float = 1.0
    ) -> None:
        self.definition = definition
        self.placement = placement
        self.ramp = ramp
        self._layer = salt_prefix(f"experiment-layer:{definition.layer}")
        self._variant = salt_prefix(f"experiment-variant:{definition.id}:{definition.version}")
        self._first = placement.first
        self._ramp_end = placement.first + round((placement.end - placement.first) * ramp)
        shares = accumulate(variant.share for variant in definition.variants)
        self._bounds = [round(share * BUCKETS) for share in shares][:-1]

    def variant_of(self, unit: str) -> int | NotAssigned:
        """The index of the unit's variant, or why it has none. Whom the experiment concerns is not
        looked at (`ineligibility`)."""
        id_ = unit.encode(errors="surrogatepass")
        place = bucket_of_bytes(self._layer, id_)
        if not self._first <= place < self.placement.end:
            return "outside_traffic"
        if place >= self._ramp_end:
            return "before_ramp"
        if bucket_of_bytes(_HOLDOUT, id_) < _HOLDOUT_END:
            return "holdout"
        draw = bucket_of_bytes(self._variant, id_)
        for index, bound in enumerate(self._bounds):
            if draw < bound:
                return index
        return len(self._bounds)


def is_held_out(unit: str) -> bool:
    """Whether no experiment, segment or audience may touch the unit."""
    return bucket_of_bytes(_HOLDOUT, unit.encode(errors="surrogatepass")) < _HOLDOUT_END


def place_in_layer(taken: Sequence[Placement], traffic: float) -> Placement:
    """The lowest free range of a layer that is as wide as the traffic.

    LayerFullError: there is none. The order of the log decides who came first, so every partition
    places alike.
    """
    width = round(traffic * BUCKETS)
    first = 0
    for placement in sorted(taken):
        if placement.first - first >= width:
            break
        first = max(first, placement.end)
    if first + width > BUCKETS:
        free = 1.0 - sum(p.end - p.first for p in taken) / BUCKETS
        raise LayerFullError(
            f"the layer has no free range of {traffic:.4g}: {free:.4g} of it is free in all; take "
            "less traffic, another layer, or stop an experiment"
        )
    return Placement(first, first + width)


def ineligibility(eligibility: Eligibility, facts: UnitFacts) -> NotAssigned | None:
    """Why the experiment does not concern a unit; None: it does. What is unknown is not
    eligible."""
    if facts.landmark != eligibility.landmark:
        return "landmark"
    if eligibility.segments and facts.segment not in eligibility.segments:
        return "segment"
    if eligibility.countries and facts.country not in eligibility.countries:
        return "country"
    if eligibility.platforms and facts.platform not in eligibility.platforms:
        return "platform"
    if not _is_within(eligibility.chance, facts.chance):
        return "chance"
    return None if _is_within(eligibility.amount, facts.amount) else "amount"


def _is_within(allowed: tuple[float, float] | None, value: float | None) -> bool:
    return allowed is None or (value is not None and allowed[0] <= value <= allowed[1])
