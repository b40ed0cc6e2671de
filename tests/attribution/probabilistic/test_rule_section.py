"""A fitted pair model goes into a rule file and comes out the same; slips are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from attribution.probabilistic.pair_model import DEFAULT_MODEL, DELAY_BINS
from attribution.probabilistic.rule_section import pair_model_toml, read_pair_model
from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules, rule_set_id
from schemas.file_error import FileError

MODEL = replace(DEFAULT_MODEL, null=1.25, source_delay={'a "b" ü': (0.5,) * DELAY_BINS})


def test_a_model_survives_a_rule_file() -> None:
    rules = read_rules(pair_model_toml(MODEL), Rules())
    assert rules.pair_model == MODEL
    assert rules.pair_model.version == MODEL.version


def test_another_model_is_another_rule_set() -> None:
    rules = read_rules(pair_model_toml(MODEL), Rules())
    assert rule_set_id(rules) != rule_set_id(Rules())


def changed(**fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(MODEL)
    return values | fields


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (changed(click_delay=[0.0]), "pair_model.click_delay: it has 1 numbers; allowed: 13"),
        (changed(source_delay={"north": [0.0]}), "pair_model.source_delay.north: it has 1 numbers"),
        (changed(null=float("nan")), "nan is out of range; allowed: logarithms"),
        (changed(null=51.0), "51.0 is out of range; allowed: logarithms from -50 to 50"),
        (changed(slope=0.0), "pair_model.slope: 0.0 is out of range; allowed: more than 0"),
        (changed(slop=1.0), "slop"),
        (changed(place={}), "place"),
        ([], "array"),
    ],
)
def test_what_is_no_model_is_refused_with_a_reason(values: Any, fault: str) -> None:
    with pytest.raises(FileError) as refused:
        read_pair_model(values)
    assert fault in str(refused.value)


def test_a_rule_file_says_where_its_model_is_wrong() -> None:
    with pytest.raises(FileError, match=r"pair_model\.slope: -[\d.]+ is out of range"):
        read_rules(pair_model_toml(MODEL).replace("slope = ", "slope = -"), Rules())
