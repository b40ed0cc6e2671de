"""Journeys shares the credit of each install, and shares it again when other things count."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from attribution.rules.rules import Rules
from online_models.credit.exposures import Strength
from online_models.credit.hazard import POOLED, ChannelEffect, CreditHazard
from online_models.credit.persistence import CREDIT, dump_credit_model
from schemas.records import Erased, Flag, ModelMarker, Touch
from schemas.time import LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import DAY, HOUR, NOON, WEEK
from tests.worlds.records import RULES, answer, before, by, click, installed, late, view
from tests.worlds.stage_world import Fed, Row, rows

NOTHING = ChannelEffect(Strength(0.0, 0.0), Strength(0.0, 0.0))
HAZARD = CreditHazard(
    {POOLED: math.log(0.1), "app": math.log(0.1)},
    0.0,
    math.log(3.0),
    {
        (POOLED, POOLED): NOTHING,
        ("app", "north"): ChannelEffect(Strength(0.1, 0.0), Strength(0.3, 0.0)),
        ("app", "south"): ChannelEffect(Strength(0.0, 0.0), Strength(0.0, 0.6)),
    },
)
MARKOV = {("app", "north"): 3.0, ("app", "south"): 1.0}
MODEL = dump_credit_model(7, HAZARD, MARKOV)
IN_FORCE = ModelMarker(CREDIT, MODEL.version)


def journeys(state: MemoryStore | None = None, rules: Rules = RULES) -> Fed:
    observer = StageObserver()
    scorers = Scorers(lambda _: MODEL.content, observer, ScoringRules())
    return Fed(Journeys(0, 1, rules, scorers, observer), state)


def reported(effects: Effects) -> list[Row]:
    return rows(effects, "credits")


def south(touch: Touch) -> Touch:
    return by(touch, "south")


def test_an_install_shares_its_credit_once_it_is_decided() -> None:
    stage = journeys()
    first, last = click("c1", -2 * HOUR), south(click("c2", -1))

    assert reported(stage.journeys(installed())) == []
    (row,) = reported(stage.journeys(answer(first, last)))

    assert (row["credit_id"], row["revision"], row["version"]) == ("i1:1", 1, 1)
    assert (row["by_first"], row["by_last"]) == ({"north": 1.0}, {"south": 1.0})
    assert row["by_linear"] == row["by_shapley"] == {"north": 0.5, "south": 0.5}
    assert (row["model_version"], row["by_hazard"], row["by_markov"]) == ("", {}, {})


def test_without_touchpoints_organic_gets_everything_by_every_method() -> None:
    stage = journeys()
    (row,) = reported(stage.journeys(IN_FORCE, installed(lookups=0)))

    methods = [name for name in row if name.startswith("by_")]
    assert len(methods) == 8
    assert all(row[name] == {"organic": 1.0} for name in methods)


def test_a_model_in_force_shares_too_until_it_is_suspended() -> None:
    stage = journeys()
    shown = [view("v", -1), south(click("c", -1))]

    (row,) = reported(stage.journeys(IN_FORCE, installed(), answer(*shown)))
    suspended = stage.journeys(ModelMarker(CREDIT, ""), installed(install_id="i2", lookups=0))

    assert row["model_version"] == MODEL.version
    assert row["by_hazard"] == {
        "organic": pytest.approx(0.125, abs=1e-3),
        "north": pytest.approx(0.125, abs=1e-3),
        "south": pytest.approx(0.75, abs=1e-3),
    }
    assert (row["by_markov"], row["by_shapley"]) == (
        {"north": 0.75, "south": 0.25},
        {"north": 0.5, "south": 0.5},
    )
    assert reported(suspended)[0]["model_version"] == ""


def test_the_credit_model_in_force_survives_a_restart() -> None:
    first = journeys()
    first.journeys(IN_FORCE, ModelMarker("payer_d7", ""))

    (row,) = reported(journeys(first.state).journeys(installed(lookups=0)))

    assert row["model_version"] == MODEL.version


def test_a_late_touchpoint_that_wins_nothing_still_gets_its_share() -> None:
    stage = journeys()
    stage.journeys(installed(), answer(click("c1", -1)))

    effects = stage.journeys(late(south(click("c2", -HOUR, ts=DAY))))
    again = stage.journeys(late(south(click("c2", -HOUR, ts=DAY))))

    assert rows(effects, "attributions") == []
    (row,) = reported(effects)
    assert (row["credit_id"], row["revision"], row["version"]) == ("i1:2", 2, 1)
    assert row["by_linear"] == row["by_shapley"] == {"north": 0.5, "south": 0.5}
    assert reported(again) == []


def test_what_is_too_old_for_the_rules_was_still_seen() -> None:
    stage = journeys()
    shown = [south(click("old", -8 * DAY)), click("new", -1)]

    (row,) = reported(stage.journeys(IN_FORCE, installed(), answer(*shown)))

    assert row["by_first"] == {"north": 1.0}
    assert set(row["by_hazard"]) == {"organic", "north", "south"}


def test_fraud_and_what_came_after_get_nothing_by_any_method() -> None:
    forged = replace(south(click("forged", -1)), flags=Flag.SIGNATURE_INVALID)
    later = south(replace(click("later", 5), touch_id="later"))
    too_late = south(click("too late", -3, ts=WEEK + 1))

    stage = journeys()
    (row,) = reported(
        stage.journeys(IN_FORCE, installed(), answer(click("c", -2), forged, later, too_late))
    )

    for name, shares in row.items():
        if name.startswith("by_"):
            assert "south" not in shares, name
            assert sum(shares.values()) == pytest.approx(1.0)


def test_visits_to_what_the_advertiser_owns_are_no_channel_but_intent() -> None:
    visit = replace(by(click("visit", -2), "site"), channel="owned", flags=Flag.OWNED)

    (row,) = reported(journeys().journeys(IN_FORCE, installed(), answer(click("c", -1), visit)))

    assert row["by_first"] == row["by_last"] == {"north": 1.0}
    assert set(row["by_hazard"]) == {"organic", "north"}


def test_an_earlier_install_on_the_device_counts_for_organic() -> None:
    shown = replace(answer(click("c", -1)), priors=[before(-30 * DAY)])

    (fresh,) = reported(journeys().journeys(IN_FORCE, installed(), answer(click("c", -1))))
    (known,) = reported(journeys().journeys(IN_FORCE, installed(), shown))

    assert known["by_hazard"]["organic"] > fresh["by_hazard"]["organic"] + 0.1
    assert known["by_first"] == {"organic": 1.0}  # The rules want retargeting for known users.


def test_rules_that_change_share_the_credit_again() -> None:
    first = journeys()
    shown = [south(click("old", -8 * DAY)), click("new", -1)]
    first.journeys(installed(), answer(*shown))
    policy = RULES.default
    longer = replace(policy, windows=replace(policy.windows, click=9 * DAY * 60_000))

    effects = journeys(first.state, replace(RULES, default=longer)).journeys()

    assert rows(effects, "attributions") == []
    assert reported(effects)[0]["by_first"] == {"south": 1.0}


def test_who_asked_to_be_forgotten_is_not_shared_again() -> None:
    stage = journeys()
    stage.journeys(installed(), answer(click("c1", -1)))
    stage.journeys(Erased("i1", "r1", LogMs(NOON), app_id="app"))
    stage.journeys(watermarks={"matching-0": NOON + 3 * RULES.late_ms_max})

    assert reported(stage.journeys(late(south(click("c2", -HOUR, ts=DAY))))) == []
