"""Who refuses is matched by the store and by click ids, and by nothing that the refusal forbids."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec import structs

from attribution.rules.consent import USE_NAMES, ConsentRefusal, ConsentRules, Use
from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules, rule_set_id
from schemas.file_error import FileError
from schemas.records import FOR_REQUESTS, Installed, InstallSeen, Signal, TouchSeen
from schemas.time import EventMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.journeys.prospect_steps import is_unscored
from tests.worlds.stage_world import event, journeyed, matched, records_in, rows, source

INTAKE = IntakeRules(b"secret", EventMs(0), 1.0, 9, is_probabilistic=True)
GAID, IDFV = "38400000-8cf0-11bd-b23e-10b96e40000d", "69a26254-3b0b-4b6a-8ff5-ee2a8e3d4a1f"
DEFAULTS = Rules()
YES = {"data_usage": True, "ads_personalization": True, "ad_storage": True}
REFUSALS: dict[str, dict[str, Any]] = {
    "att_denied": {"att_status": 2},
    "limited_tracking": {"limit_ad_tracking": True},
    "data_usage": {"consent": YES | {"data_usage": False}},
    "ads_personalization": {"consent": YES | {"ads_personalization": False}},
    "ad_storage": {"consent": YES | {"ad_storage": False}},
}
TABLE = {  # the defaults, read from the platforms' rules a second time
    "att_denied": {"advertising_id", "probabilistic"},
    "limited_tracking": {"advertising_id", "probabilistic"},
    "data_usage": {"advertising_id", "vendor_id", "probabilistic", "prediction"},
    "ads_personalization": {"probabilistic"},
    "ad_storage": {"advertising_id"},
}
CELLS = [(refusal, use) for refusal in TABLE for use in USE_NAMES]


def intake(topic: str, fields: dict[str, Any], rules: Rules) -> Effects:
    stage = Intake(0, 1, INTAKE, StageObserver(), rules)
    return stage.decide([source(topic, fields)], MemoryStore())


def used(refused: dict[str, Any], rules: Rules = DEFAULTS, app: str = "app") -> set[str]:
    """The uses that intake makes of an install that comes by a click and has two device ids."""
    asked = {"click_id": "c", "app_id": app, "consent": YES, "ip": "20.1.2.3"} | refused
    ids = {"gaid": GAID, "idfv": IDFV}
    found = intake("installs", event("install", install_id="i", **(asked | ids)), rules)
    seen = [one for one in records_in(matched(found)) if isinstance(one, InstallSeen)]
    withheld = {one.key for one in seen if one.ordinal == FOR_REQUESTS}
    seen = [one for one in seen if one.ordinal != FOR_REQUESTS]
    (install,) = (one for one in records_in(journeyed(found)) if isinstance(one, Installed))
    assert install.lookups == len(seen)
    assert [one.signal for one in seen].count(Signal.CLICK_ID) == 1  # whatever is refused
    keys = {name: set(_devices({name: ids[name]}, app)) for name in ids}
    shown = {one.key for one in seen}
    assert withheld == {key for known in keys.values() for key in known} - shown
    uses = {"advertising_id"} if keys["gaid"] & shown else set()
    uses |= {"vendor_id"} if keys["idfv"] & shown else set()
    uses |= {"probabilistic"} if install.traits else set()
    assert bool(install.traits) == any(one.signal is Signal.PROBABILISTIC for one in seen)
    return uses | (set() if is_unscored(install) else {"prediction"})


def _devices(ids: dict[str, Any], app: str) -> list[str]:
    found = intake("installs", event("install", install_id="i", app_id=app, **ids), Rules())
    return [one.key for one in records_in(matched(found)) if isinstance(one, InstallSeen)]


def table(**cells: list[str]) -> Rules:
    lines = [f"{name} = {orjson.dumps(uses).decode()}" for name, uses in cells.items()]
    return read_rules("[consent]\n" + "\n".join(lines), Rules())


def test_who_refuses_nothing_is_known_by_everything() -> None:
    assert used({}) == set(USE_NAMES)
    assert used({"att_status": 3, "limit_ad_tracking": False}) == set(USE_NAMES)


@pytest.mark.parametrize(("refusal", "use"), CELLS)
def test_each_cell_of_the_defaults(refusal: str, use: str) -> None:
    assert (use not in used(REFUSALS[refusal])) is (use in TABLE[refusal])


@pytest.mark.parametrize(("refusal", "use"), CELLS)
def test_each_cell_can_be_forbidden_alone_and_each_permitted(refusal: str, use: str) -> None:
    # Likeness is compared with explicit consent alone, whatever the table says.
    silent = {"probabilistic"} if refusal != "ad_storage" else set()
    none, alone = table(**{refusal: []}), table(**{refusal: [use]})
    assert used(REFUSALS[refusal], none) == set(USE_NAMES) - silent
    assert used(REFUSALS[refusal], alone) == set(USE_NAMES) - silent - {use}


def test_refusals_add_up() -> None:
    both = REFUSALS["limited_tracking"] | REFUSALS["data_usage"]
    assert used(both) == set()


@pytest.mark.parametrize("status", [0, 1, 2])
def test_every_att_status_but_the_permission_is_a_refusal(status: int) -> None:
    assert used({"att_status": status}) == {"vendor_id", "prediction"}


def test_an_app_may_have_a_table_of_its_own() -> None:
    own = '[[scope]]\napp_id = "own"\nconsent.limited_tracking = ["prediction"]'
    rules = read_rules(own, Rules())
    assert "advertising_id" in used(REFUSALS["limited_tracking"], rules, "own")
    assert "advertising_id" not in used(REFUSALS["limited_tracking"], rules, "other")


@pytest.mark.parametrize(
    "text",
    [
        '[consent]\natt_denied = "advertising_id"',
        '[consent]\natt_denied = ["advertising_id", "sale"]',
        "[consent]\natt_denied = [1]",
        "[consent]\natt = []",
        '[[scope]]\nmedia_source = "m"\nconsent.att_denied = []',
    ],
)
def test_a_table_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(FileError, match="consent"):
        read_rules(text, Rules())


def test_another_table_is_another_rule_set_however_it_is_written() -> None:
    one = table(ad_storage=["vendor_id", "advertising_id"])
    other = table(ad_storage=["advertising_id", "vendor_id"])
    assert rule_set_id(one) == rule_set_id(other) != rule_set_id(Rules())
    assert structs.asdict(Rules().default.consent).keys() == {*REFUSALS, "opt_out"}
    assert [one.name.lower() for one in ConsentRefusal if one.name] == [*REFUSALS, "opt_out"]
    assert [name.lower() for name in Use.__members__] == list(USE_NAMES)
    assert Rules().default.consent == ConsentRules()


def test_a_touchpoint_of_who_refuses_is_known_by_its_click_and_its_row_shows_no_device() -> None:
    click = {"touch_type": "click", "touch_id": "t", "media_source": "m", "gaid": GAID}
    keys = []
    for fields in ({}, REFUSALS["limited_tracking"]):
        found = intake("touchpoints", event("touchpoint", **(click | fields)), Rules())
        (row,) = rows(found, "touches")
        seen = [one for one in records_in(matched(found)) if isinstance(one, TouchSeen)]
        keys.append(([one.key[:2] for one in seen], bool(row["device_key"])))
        assert sum(one.is_home for one in seen) == 1
    assert keys == [(["c:", "d:"], True), (["c:"], False)]
