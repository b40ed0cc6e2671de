"""A random experiment as outcomes, and what a naive reader makes of them, row by row.

The history holds what spoils figures elsewhere: units that are young, exposures of another variant
or before the assignment, money outside the window, refunds, currencies with and without rates, test
purchases, repeats.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from online_models.experiments.design import ExperimentDefinition, read_definition
from schemas.outcomes import (
    ActiveDayRow,
    Assignment,
    Booking,
    Freshness,
    Outcome,
    UnitExposure,
)
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs
from tests.checkout import ROOT
from tests.worlds.stores.fact_outcomes import (
    active_day,
    assignment,
    experiment_order,
    unit_exposure,
)
from tests.worlds.stores.traffic_outcomes import NOON, booking, rate

TEXT = (ROOT / "deploy/experiment.example.toml").read_text().replace("com.example.game", "puzzle")
DEFINITION = replace(read_definition(TEXT), cap=12.5)
TEXT = TEXT.replace("cap = 200.0", "cap = 12.5")
WINDOW = DEFINITION.window_ms
DOLLARS = {"EUR": 1.1, "USD": 1.0}


@dataclass(slots=True)
class ExperimentHistory:
    """Outcomes, and the log time that was reached."""

    log_time: int
    assigned: list[Assignment] = field(default_factory=list)
    exposed: list[UnitExposure] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    active: list[ActiveDayRow] = field(default_factory=list)

    def rows(self, definition: ExperimentDefinition = DEFINITION) -> list[Outcome]:
        """All of it, with the order that started the experiment, and a rate of euros."""
        order = replace(
            experiment_order(),
            order_id="start-1",
            kind="start",
            experiment_id=definition.id,
            experiment_version=definition.version,
            fingerprint=definition.fingerprint(),
            definition=TEXT,
            verdict="obeyed",
            app_id="puzzle",
        )
        fresh = [
            Freshness(stage="journeys", partition=p, stage_time=LogMs(self.log_time + p * HOUR_MS))
            for p in (0, 1)
        ]
        return [
            order, rate(date="2025-12-01"), *fresh, *self.assigned, *self.exposed, *self.bookings,
            *self.active,
        ]  # fmt: skip


def experiment_history(seed: int, units: int = 300) -> ExperimentHistory:
    """One history; the same seed gives the same."""
    rng = Random(seed)
    history = ExperimentHistory(NOON + 60 * DAY_MS)
    for number in range(units):
        id_ = f"u{number}"
        code = rng.choice((-1, 0, 0, 1, 1))
        begin = NOON + rng.randrange(50 * 24) * HOUR_MS
        variant = "" if code < 0 else DEFINITION.variants[code].name
        row = replace(
            assignment(),
            assignment_id=f"puzzle:{DEFINITION.id}:1:{id_}",
            experiment_id=DEFINITION.id,
            install_id=id_,
            variant=variant,
            variant_index=code,
            reason="holdout" if code < 0 else "",
            ramp_step=min((begin - NOON) // (20 * DAY_MS), 2),
            assigned_at=LogMs(begin),
            chance=rng.choice((-1.0, rng.random())),
            amount=rng.choice((-1.0, 9 * rng.random())),
            paid_micros=rng.choice((0, 0, 2_990_000)),
        )
        history.assigned += [row] * rng.choice((1, 1, 2))
        status = rng.choice(("first", "first", "first", "other_variant", "unassigned", "none"))
        if status != "none":
            seen = begin + rng.choice((-HOUR_MS, 0, 5 * HOUR_MS, 3 * DAY_MS))
            met = replace(
                unit_exposure(),
                exposure_id=f"{DEFINITION.id}:{id_}:{status}",
                experiment_id=DEFINITION.id,
                install_id=id_,
                status=status,
                variant=variant,
                event_time=EventMs(seen),
                exposed_at=LogMs(seen),
            )
            history.exposed += [met] * rng.choice((1, 2))
        _spend(history, rng, id_, begin)
    return history


def _spend(history: ExperimentHistory, rng: Random, id_: str, begin: int) -> None:
    for index in range(rng.choice((0, 0, 1, 3))):
        row = booking(
            f"{id_}-{index}",
            id_,
            rng.choice((990_000, 4_990_000, 19_990_000)),
            currency=rng.choice(("EUR", "USD", "JPY")),
            kind=rng.choice(("purchase", "subscription", "ad_revenue")),
            environment=rng.choice(("production", "production", "sandbox")),
            event_time=EventMs(begin + rng.randrange(-5, 45) * DAY_MS + HOUR_MS // 2),
            install_time=EventMs(NOON - DAY_MS),
        )
        if rng.random() < 0.5:
            row = replace(row, is_net_known=True, net_micros=row.amount_micros * 7 // 10)
        history.bookings += [row] * rng.choice((1, 1, 2))
        if rng.random() < 0.2:
            back = replace(
                row,
                booking_id=f"{row.booking_id}-back",
                money_id=f"{row.money_id}-back",
                kind="refund",
                amount_micros=-row.amount_micros,
                net_micros=-row.net_micros,
                event_time=EventMs(row.event_time + rng.randrange(20) * DAY_MS),
            )
            history.bookings.append(back)
    for _ in range(rng.choice((0, 1, 2))):
        day = rng.randrange(40)
        history.active.append(
            replace(
                active_day(),
                active_day_id=f"puzzle:{id_}:{day}",
                install_id=id_,
                day_of_life=day,
                event_time=EventMs(begin + day * DAY_MS + HOUR_MS // 3),
            )
        )


def naive_units(history: ExperimentHistory) -> dict[str, tuple[int, int, bool, list[float], int]]:
    """Variant, phase, maturity, columns and bookings without a rate, by unit."""
    met: dict[str, int] = {}
    for seen in history.exposed:
        if seen.status == "first":
            met[seen.install_id] = min(met.get(seen.install_id, 1 << 60), seen.event_time)
    money: dict[str, dict[str, Booking]] = defaultdict(dict)
    for booked in history.bookings:
        if booked.environment == "production":
            money[booked.install_id][booked.booking_id] = booked
    units = {}
    for row in history.assigned:
        id_ = row.install_id
        if row.variant_index < 0 or id_ not in met:
            continue
        begin = max(met[id_], row.assigned_at)
        end = begin + WINDOW
        own = [b for b in money[id_].values() if begin <= b.event_time < end]
        revenue = paid = net = back = 0.0
        for booked in own:
            dollars = booked.amount_micros * DOLLARS.get(booked.currency, 0.0) / 1e6
            stated = booked.net_micros * DOLLARS.get(booked.currency, 0.0) / 1e6
            revenue += dollars
            net += stated if booked.is_net_known else dollars
            paid += dollars * (booked.kind != "ad_revenue")
            back += dollars * (booked.kind == "refund")
        late = begin + WINDOW // 2
        stayed = any(d.install_id == id_ and late <= d.event_time < end for d in history.active)
        columns = [
            float(paid > 5e-7), revenue, min(revenue, 12.5), paid, min(paid, 12.5), net,
            float(stayed), float(back < 0), max(row.chance, 0.0), max(row.amount, 0.0),
            row.paid_micros / 1e6,
        ]  # fmt: skip
        missing = sum(b.currency not in DOLLARS for b in own)
        is_mature = end < history.log_time
        units[id_] = (row.variant_index, row.ramp_step, is_mature, columns, missing)
    return units
