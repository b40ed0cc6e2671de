"""From the environment to lookups: which parameters of a referrer are asked for."""

from __future__ import annotations

import pytest

from schemas.records import InstallSeen
from streams.runtime.state import MemoryStore
from streams.settings import read_settings
from streams.settings.environment import SettingError
from streams.stages.common.observer import StageObserver
from streams.stages.intake.intake import Intake, IntakeRules
from streams.wiring.parts import stage_rules
from tests.worlds.stage_world import event, matched, records_in, source


class Evictions(StageObserver):
    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def on_evicted(self, bound: str, count: int) -> None:
        self.seen[bound] = self.seen.get(bound, 0) + count


def rules_of(written: str) -> IntakeRules:
    return stage_rules(read_settings({"HEADWATER_REFERRER_PARAMETERS": written})).intake


def keys_of(referrer: str, rules: IntakeRules, observer: StageObserver | None = None) -> list[str]:
    install = event("install", install_id="i1", install_referrer=referrer)
    stage = Intake(0, 1, rules, observer or StageObserver())
    effects = stage.decide([source("installs", install)], MemoryStore())
    return [one.key for one in records_in(matched(effects)) if isinstance(one, InstallSeen)]


def test_the_setting_names_parameters_by_source_and_for_all() -> None:
    rules = rules_of("north:n_click, north:n_ref ,any_id")
    assert rules.referrer_parameters == {"north": ("n_click", "n_ref"), "*": ("any_id",)}
    assert keys_of("utm_source=North&n_ref=k1", rules) == ["c:app:k1"]
    assert keys_of("utm_source=south&n_ref=k1", rules) == []
    assert keys_of("utm_source=south&any_id=k1", rules) == ["c:app:k1"]
    assert keys_of("any_id=k1", rules_of("n_ref")) == []


@pytest.mark.parametrize("written", ["north:", ":ref", "a b", ",", "n:" + "x" * 65])
def test_what_is_no_parameter_is_refused(written: str) -> None:
    with pytest.raises(SettingError) as refused:
        rules_of(written)
    assert "SOURCE:PARAMETER" in str(refused.value)


def test_click_ids_beyond_the_bound_are_counted() -> None:
    observer = Evictions()
    referrer = "&".join(f"n{n}_click_id=k{n}" for n in range(10))
    assert len(keys_of(referrer, rules_of("x"), observer)) == 8
    assert observer.seen == {"referrer_click_ids_max": 2}
