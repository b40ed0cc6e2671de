"""Who is assigned follows from the log alone: beside a naive reading of the whole of it."""

from __future__ import annotations

import hashlib
import random
from typing import Any, NamedTuple

import pytest

from schemas.time import DAY_MS, HOUR_MS
from tests.streams.experiments.experiment_log import exposure, install, order, replayed, start
from tests.worlds.clock import NOON

Row = dict[str, Any]
ENDS = NOON + 16 * DAY_MS
SHARES = {"control": 0.5, "discount": 0.3, "gift": 0.2}


class Plan(NamedTuple):
    """An experiment as the naive reading knows it: the range of its layer, and who when."""

    name: str
    layer: str
    first: float
    end: float
    landmark_ms: int
    shares: dict[str, float]
    ramps: list[tuple[int, float]]
    ended_at: int


PLANS = [
    Plan("offer", "money", 0.0, 0.5, DAY_MS, SHARES,
         [(NOON + DAY_MS, 0.2), (NOON + 4 * DAY_MS, 0.6), (NOON + 8 * DAY_MS, 1.0)],
         NOON + 11 * DAY_MS),
    Plan("banner", "money", 0.5, 0.9, 6 * HOUR_MS, {"control": 0.5, "red": 0.5},
         [(NOON + 2 * DAY_MS, 1.0)], ENDS),
    Plan("letter", "mail", 0.0, 1.0, DAY_MS, {"control": 0.5, "long": 0.5},
         [(NOON + 3 * DAY_MS, 0.9)], NOON + 9 * DAY_MS),
]  # fmt: skip
ORDERS = [
    start("offer", NOON + DAY_MS, 0.2, traffic=0.5, shares=SHARES),
    start("banner", NOON + 2 * DAY_MS, 1.0, traffic=0.4, landmark="6h"),
    start("letter", NOON + 3 * DAY_MS, 0.9, layer="mail", shares={"control": 0.5, "long": 0.5}),
    order("ramp", "offer", NOON + 4 * DAY_MS, share=0.6),
    order("ramp", "offer", NOON + 8 * DAY_MS, share=1.0),
    order("ship", "letter", NOON + 9 * DAY_MS, variant="long"),
    order("stop", "offer", NOON + 11 * DAY_MS),
]
ORDERS[1]["definition"] = ORDERS[1]["definition"].replace('"discount"', '"red"')


def drawn(salt: str, unit: str) -> float:
    """A number from 0 to 1 by which a unit is drawn, worked out here by itself."""
    digest = hashlib.blake2b(f"{salt}:{unit}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def naive(installs: dict[str, int]) -> dict[tuple[str, str], str]:
    """The variant, or `holdout`, by experiment and install."""
    found = {}
    for plan in PLANS:
        for name, installed in installs.items():
            moment = installed + plan.landmark_ms
            ramps = [share for since, share in plan.ramps if since <= moment]
            if not ramps or moment >= plan.ended_at or moment > ENDS:
                continue
            place = drawn(f"experiment-layer:{plan.layer}", name)
            if not plan.first <= place < plan.first + (plan.end - plan.first) * ramps[-1]:
                continue
            if drawn("experiment-holdout", name) < 0.05:
                found[plan.name, name] = "holdout"
                continue
            draw, total = drawn(f"experiment-variant:{plan.name}:1", name), 0.0
            for variant, share in plan.shares.items():
                total += share
                if draw < total:
                    found[plan.name, name] = variant
                    break
    return found


def arrivals(count: int) -> dict[str, int]:
    chance = random.Random(15)
    return {f"install-{n}": NOON + chance.randrange(13 * DAY_MS) for n in range(count)}


ARRIVALS = arrivals(450)


def assigned_in(outcomes: dict[str, list[Row]]) -> dict[tuple[str, str], str]:
    return {
        (row["experiment_id"], row["install_id"]): row["variant"] or row["reason"]
        for row in outcomes["assignments"]
    }


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[Row]]:
    installs = [install(name, ts) for name, ts in ARRIVALS.items()]
    return replayed([*ORDERS, *installs], ends_at=ENDS)


def test_assignments_are_those_of_a_naive_reading_of_the_whole_log(
    outcomes: dict[str, list[Row]],
) -> None:
    expected = naive(ARRIVALS)

    assert assigned_in(outcomes) == expected
    assert len(outcomes["assignments"]) == len(expected)  # once for each install and version
    assert set(expected.values()) == {*SHARES, "red", "long", "holdout"}
    assert len(expected) > 300


def test_a_ramp_adds_installs_and_moves_nobody(outcomes: dict[str, list[Row]]) -> None:
    offers = [row for row in outcomes["assignments"] if row["experiment_id"] == "offer"]
    steps = {row["ramp_step"]: row["ramp_share"] for row in offers}

    assert steps == {0: 0.2, 1: 0.6, 2: 1.0}
    # With all of its traffic from the begin, whoever was in a variant is in the same one.
    whole = [start("offer", NOON + DAY_MS, 1.0, traffic=0.5, shares=SHARES), ORDERS[-1]]
    again = assigned_in(
        replayed([*whole, *(install(*one) for one in ARRIVALS.items())], ends_at=ENDS)
    )
    before = {key: value for key, value in assigned_in(outcomes).items() if key[0] == "offer"}
    assert before.items() < again.items()


def test_experiments_of_a_layer_exclude_each_other_and_those_of_two_do_not(
    outcomes: dict[str, list[Row]],
) -> None:
    of: dict[str, set[str]] = {"offer": set(), "banner": set(), "letter": set()}
    for row in outcomes["assignments"]:
        of[row["experiment_id"]].add(row["install_id"])

    assert not of["offer"] & of["banner"]
    assert of["offer"] & of["letter"]
    assert of["banner"] & of["letter"]


def test_every_order_is_obeyed_and_accounted_for(outcomes: dict[str, list[Row]]) -> None:
    rows = outcomes["experiment-orders"]

    assert [row["verdict"] for row in rows] == ["obeyed"] * len(ORDERS)
    assert [row["ramp_share"] for row in rows if row["experiment_id"] == "offer"] == [
        0.2, 0.6, 1.0, 1.0,
    ]  # fmt: skip
    settled = sum(
        len(row["offsets"]) for row in outcomes["ledger"] if row["source_topic"] == "costs"
    )
    assert settled == len(ORDERS)
    (banner,) = (row for row in rows if row["experiment_id"] == "banner")
    assert (banner["layer_first"], banner["layer_end"]) == (0.5, 0.9)


@pytest.mark.parametrize(("partitions", "batch"), [(4, 29)])
def test_neither_partitions_nor_batches_change_an_assignment(
    outcomes: dict[str, list[Row]], partitions: int, batch: int
) -> None:
    installs = [install(name, ts) for name, ts in ARRIVALS.items()]
    other = replayed([*ORDERS, *installs], ends_at=ENDS, partitions=partitions, batch=batch)

    assert assigned_in(other) == assigned_in(outcomes)


def test_what_was_known_is_frozen_with_the_assignment(outcomes: dict[str, list[Row]]) -> None:
    predictions = {
        (row["install_id"], row["landmark"]): row
        for row in outcomes["predictions"]
        if row["target"] == "payer"
    }
    for row in outcomes["assignments"]:
        predicted = predictions[row["install_id"], row["landmark"]]
        assert row["chance"] == predicted["probability"]
        assert row["model_version"] == predicted["model_version"]
        assert row["tier"] == predicted["tier"]
        assert row["assigned_at"] == predicted["predicted_at"]
        assert row["source_topic"] == "installs"


def exposed(outcomes: dict[str, list[Row]]) -> list[tuple[str, str, str]]:
    return [
        (row["install_id"], row["status"], row["assigned_variant"])
        for row in outcomes["experiment-exposures"]
    ]


def test_the_first_exposure_counts_and_others_are_told_apart() -> None:
    names = dict.fromkeys(ARRIVALS, NOON + HOUR_MS)
    variant = naive_variant(names)
    mine, wrong, outside, early = (
        next(name for name in names if variant.get(name) == wanted)
        for wanted in ("discount", "control", "holdout", "gift")
    )
    at = NOON + 3 * DAY_MS
    events = [
        *(install(name, names[name]) for name in (mine, wrong, outside, early)),
        start("offer", NOON, 1.0, shares=SHARES),
        exposure(mine, "offer", "discount", at + 5),
        exposure(mine, "offer", "discount", at),
        exposure(mine, "offer", "discount", at + HOUR_MS),
        exposure(wrong, "offer", "gift", at),
        exposure(wrong, "offer", "gift", at + 1),
        exposure(wrong, "offer", "control", at + 2),
        exposure(outside, "offer", "control", at),
        exposure(early, "offer", "gift", NOON + 2 * HOUR_MS),  # before it is assigned
        exposure(early, "offer", "gift", at),
        exposure("nobody", "offer", "gift", at),
        exposure(mine, "other", "gift", at),
        exposure(mine, "offer", "gift", at, environment="sandbox"),
    ]
    outcomes = replayed(events, ends_at=ENDS)

    assert sorted(exposed(outcomes)) == sorted([
        (mine, "first", "discount"),
        (wrong, "other_variant", "control"),
        (wrong, "first", "control"),
        (outside, "unassigned", ""),
        (early, "unassigned", ""),
        (early, "first", "gift"),
        ("nobody", "unassigned", ""),
        (mine, "unassigned", ""),
    ])  # fmt: skip
    (first,) = (
        row for row in outcomes["experiment-exposures"]
        if row["install_id"] == mine and row["status"] == "first"
    )  # fmt: skip
    assert first["exposed_at"] == at
    settled = sum(
        len(row["offsets"]) for row in outcomes["ledger"] if row["source_topic"] == "activity"
    )
    assert settled == sum(event["type"] == "experiment_exposure" for event in events)


def naive_variant(installs: dict[str, int]) -> dict[str, str]:
    """Of an experiment with all traffic."""
    found = {}
    for name in installs:
        if drawn("experiment-holdout", name) < 0.05:
            found[name] = "holdout"
            continue
        draw = drawn("experiment-variant:offer:1", name)
        found[name] = "control" if draw < 0.5 else "discount" if draw < 0.8 else "gift"
    return found


def request(name: str, kind: str, ts: int) -> Row:
    return {
        "type": "privacy_request", "schema_version": 1, "event_id": f"{kind} {name}",
        "app_id": "com.example.game", "event_time": ts, "subject_request_id": f"{kind} {name}",
        "request_type": kind, "submitted_time": ts,
        "identities": [{"identity_type": "install_id", "identity_value": name,
                        "identity_format": "raw"}],
    }  # fmt: skip


def test_who_opts_out_or_is_forgotten_is_not_treated() -> None:
    names = dict.fromkeys(ARRIVALS, NOON + HOUR_MS)
    chosen = [name for name, variant in naive_variant(names).items() if variant == "discount"]
    out, forgotten, stays = chosen[:3]
    events = [
        start("offer", NOON, 1.0, shares=SHARES),
        *(install(name, names[name]) for name in chosen[:3]),
        request(out, "opt_out", NOON + 2 * HOUR_MS),
        request(forgotten, "erasure", NOON + 2 * HOUR_MS),
        *(exposure(name, "offer", "discount", NOON + 3 * DAY_MS) for name in (forgotten, stays)),
    ]
    outcomes = replayed(events, ends_at=ENDS)

    treated = {row["install_id"] for row in outcomes["assignments"] if row["variant"]}
    assert treated == {stays}
    assert exposed(outcomes) == [(stays, "first", "discount")]


def test_an_install_that_is_known_only_days_later_is_not_assigned() -> None:
    names = dict.fromkeys(ARRIVALS, NOON)
    name = next(one for one, variant in naive_variant(names).items() if variant == "gift")
    late = install(name, NOON + HOUR_MS, logged=NOON + 4 * DAY_MS)
    outcomes = replayed([start("offer", NOON, 1.0, shares=SHARES), late], ends_at=ENDS)

    assert assigned_in(outcomes) == {("offer", name): "late"}


def test_eligibility_is_asked_of_the_country_and_the_prediction() -> None:
    abroad = {f"abroad-{n}": NOON + HOUR_MS for n in range(60)}
    at_home = {f"home-{n}": NOON + HOUR_MS for n in range(60)}
    events = [
        start("offer", NOON, 1.0, eligibility='countries = ["DE"]\nchance = [0.0, 1.0]'),
        start("rich", NOON, 1.0, layer="rich", eligibility="chance = [0.999, 1.0]"),
        *(install(name, ts, country_code="FR") for name, ts in abroad.items()),
        *(install(name, ts) for name, ts in at_home.items()),
    ]
    outcomes = replayed(events, ends_at=ENDS)

    assert {row["install_id"] for row in outcomes["assignments"]} == set(at_home)
    assert {row["experiment_id"] for row in outcomes["assignments"]} == {"offer"}
