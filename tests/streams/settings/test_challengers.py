"""Challengers are named in a setting; a wrong one is said in one line before anything starts."""

from __future__ import annotations

import pytest

from online_models.learning.rules import Challenger, LearnerRules
from streams.settings import read_settings
from streams.settings.environment import SettingError
from streams.wiring.parts import stage_rules


def test_every_target_has_the_challengers_of_the_setting() -> None:
    settings = read_settings({"HEADWATER_CHALLENGERS": "fast:0.1, slow:0.003"})
    payer = stage_rules(settings).learning.targets["payer"]
    assert isinstance(payer, LearnerRules)
    assert payer.challengers == (Challenger("fast", 0.1), Challenger("slow", 0.003))
    assert [name for name, _ in payer.with_challengers()] == ["main", "fast", "slow"]


@pytest.mark.parametrize(
    "written",
    ["fast", "fast:x", "fast:0", "fast:11", "main:0.1", "a:0.1,a:0.2", "A b:1", "fast:nan",
     "a:.1,b:.1,c:.1,d:.1,e:.1"],
)  # fmt: skip
def test_a_wrong_one_is_refused(written: str) -> None:
    with pytest.raises(SettingError, match="HEADWATER_CHALLENGERS"):
        read_settings({"HEADWATER_CHALLENGERS": written})
