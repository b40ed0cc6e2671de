"""What an install has paid so far scales what it is expected to pay next."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from online_models.persistence.envelope import Envelope, seal
from online_models.value.model import ValueModel, ValueRow
from online_models.value.persistence import (
    VALUE_MODEL,
    VALUE_SCORER,
    dump_value_model,
    dump_value_scorer,
    load_value_model,
    load_value_scorer,
)
from online_models.value.scorer import ValueScorer
from online_models.value.spenders import (
    USUAL_SPENT_MAX,
    learn_spender,
    new_spenders,
    spender_factor,
)
from tests.online_models.value.value_world import RICH, SMALL, install

DAY_3, WEEK_TO_MONTH = 4, 2


def _payers(installs: int, own: float) -> list[ValueRow]:
    """All alike but in what they have paid; of what they pay next, a share of `own` follows it."""
    rng = np.random.default_rng(5)
    spent = rng.lognormal(1.0, 1.0, installs)
    usual = spent.mean()
    later = rng.gamma(0.5, 2.0 * ((1.0 - own) * usual + own * spent))
    return [
        ValueRow(*install(RICH), DAY_3, WEEK_TO_MONTH, amount, before, "ios", f"{number}")
        for number, (amount, before) in enumerate(zip(later.tolist(), spent.tolist(), strict=True))
    ]


def _expected(scorer: ValueScorer, spent: float) -> float:
    """Until day 30, besides what was paid and is expected until day 7."""
    found = scorer.score_packed(*install(RICH), DAY_3, spent, "ios")
    assert found is not None
    return found.d30 - found.d7


def _taught(rows: list[ValueRow]) -> ValueModel:
    model = ValueModel(SMALL)
    model.learn(rows)
    return model


@pytest.mark.parametrize("own", [0.0, 0.5, 1.0])
def test_as_much_as_money_says_of_later_money_is_learned(own: float) -> None:
    """But for some of the steepness: large amounts are cut, and ratios share what they know."""
    scorer = _taught(_payers(6_000, own)).scorer
    usual = float(np.exp(1.5))
    much, little = (_expected(scorer, ratio * usual) for ratio in (4.0, 0.5))
    truth = ((1.0 - own) + own * 4.0) / ((1.0 - own) + own * 0.5)
    assert much / little == pytest.approx(truth, rel=0.4)


def test_a_thousand_payers_tell_those_who_have_paid_more() -> None:
    scorer = _taught(_payers(1_000, 1.0)).scorer
    assert _expected(scorer, 18.0) > 5.0 * _expected(scorer, 2.2)


def test_with_no_payer_seen_money_scales_nothing_and_takes_nothing_away() -> None:
    cell = new_spenders()[DAY_3, WEEK_TO_MONTH]
    assert spender_factor(1e9, cell, 5.0) == 1.0
    for _ in range(3):
        learn_spender(10.0, cell, (0.0, 10.0), 1.0, 5_000.0)
    # A few who came to nothing say little, and never that nothing is to come.
    assert 0.5 < spender_factor(10.0, cell, 50.0) < 1.0
    assert spender_factor(1e-9, cell, 0.0) > 0.0


def test_who_has_not_paid_is_scaled_by_nobody() -> None:
    cell = new_spenders()[DAY_3, WEEK_TO_MONTH]
    for _ in range(100):
        learn_spender(0.0, cell, (10.0, 1.0), 1.0, 5_000.0)
        learn_spender(-3.0, cell, (10.0, 1.0), 1.0, 5_000.0)
    assert not cell.any()
    learn_spender(10.0, cell, (50.0, 1.0), 1.0, 5_000.0)
    assert spender_factor(0.0, cell, 5.0) == spender_factor(-3.0, cell, 5.0) == 1.0


def test_a_whale_does_not_become_the_usual_payer() -> None:
    cell = new_spenders()[DAY_3, WEEK_TO_MONTH]
    for _ in range(99):
        learn_spender(10.0, cell, (10.0, 10.0), 1.0, 5_000.0)
    learn_spender(1e9, cell, (10.0, 10.0), 1.0, 5_000.0)
    assert cell[0].tolist() == pytest.approx([100.0, (990.0 + USUAL_SPENT_MAX * 10.0) / 100.0])
    assert spender_factor(1e9, cell, 5.0) < 20.0


def test_the_usual_amount_follows_a_change_of_prices() -> None:
    cell = new_spenders()[DAY_3, WEEK_TO_MONTH]
    for price in (10.0,) * 2_000 + (20.0,) * 500:
        learn_spender(price, cell, (price, price), 1.0, 100.0)
    assert cell[0, 0] == 100.0
    assert cell[0, 1] == pytest.approx(20.0, rel=0.01)


def test_bytes_from_before_there_were_factors_go_on_with_none() -> None:
    rows = _payers(400, 1.0)
    model = _taught(rows)
    older = load_value_model(_without_last(VALUE_MODEL.schema, dump_value_model(model)), SMALL)
    assert isinstance(older, ValueModel)
    assert not older.scorer.amounts.spenders.any()
    older.scorer.amounts.spenders[:] = model.scorer.amounts.spenders
    assert dump_value_model(older) == dump_value_model(model)
    content = _without_last(VALUE_SCORER.schema, dump_value_scorer(model).content)
    scorer = load_value_scorer(content, SMALL)
    assert isinstance(scorer, ValueScorer)
    assert _expected(scorer, 40.0) == pytest.approx(_expected(scorer, 4.0))


def _without_last(schema: str, content: bytes) -> bytes:
    """As the build before would have written it: without the last array."""
    body = msgspec.msgpack.decode(msgspec.msgpack.decode(content, type=Envelope).body)
    body[-1] = body[-1][:-1]
    return seal(schema, msgspec.msgpack.encode(body))[0]
