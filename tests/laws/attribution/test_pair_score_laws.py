"""Confidences are probabilities: they sum to one with the doubt, and come true as often as said."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from attribution.probabilistic.pair_fit import KnownMatch, fit_pair_model
from attribution.probabilistic.pair_model import DEFAULT_MODEL, PairModel
from attribution.probabilistic.pair_score import confidences, score_pair
from tests.attribution.probabilistic.pair_world import (
    HOME,
    NEIGHBOUR,
    NOBODY,
    STRANGER,
    drawn_history,
    install,
    touch,
)

candidates = st.lists(
    st.tuples(st.sampled_from((HOME, NEIGHBOUR, NOBODY, STRANGER)), st.floats(0, 1_440)),
    min_size=1,
    max_size=8,
)
Drawn = Sequence[tuple[list[str], float]]


def sure(drawn: Drawn, model: PairModel = DEFAULT_MODEL) -> list[float]:
    return confidences([touch("t", traits, -age) for traits, age in drawn], install(), model)


@given(candidates)
def test_confidences_are_a_softmax_beside_none_of_them(drawn: Drawn) -> None:
    model = DEFAULT_MODEL
    odds = [
        math.exp(model.slope * score_pair(touch("t", traits, -age), install(), model))
        / len(drawn) ** model.crowding
        for traits, age in drawn
    ]
    doubt = math.exp(model.null)
    for found, share in zip(sure(drawn), odds, strict=True):
        assert math.isclose(found, share / (sum(odds) + doubt), abs_tol=2e-6)


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_makes_no_difference(
    drawn: Drawn, random_source: random.Random
) -> None:
    order = list(range(len(drawn)))
    random_source.shuffle(order)
    mixed = sure([drawn[number] for number in order])
    assert [mixed[order.index(number)] for number in range(len(drawn))] == sure(drawn)


@given(candidates, st.sampled_from((HOME, NEIGHBOUR, NOBODY, STRANGER)))
def test_one_more_candidate_never_makes_another_surer(drawn: Drawn, other: list[str]) -> None:
    more = sure([*drawn, (other, 3.0)])
    assert all(after <= before for after, before in zip(more, sure(drawn), strict=False))


def posterior(known: KnownMatch, organic_share: float) -> list[float]:
    """By Bayes, from how `drawn_history` draws: nothing is fitted here."""

    def likelihood(number: int, *, is_true: bool) -> float:
        one = known.touches[number]
        agrees = one.traits[3] == known.install.traits[3]
        minutes = (known.install.time - one.time) / 60_000
        if is_true:
            return (0.9 if agrees else 0.1) * math.exp(-minutes / 10) / 10
        return (0.2 if agrees else 0.8) * (1 / 360 if minutes <= 360 else 0)

    size = len(known.touches)
    weights = [
        (organic_share if truth == size else (1 - organic_share) / size)
        * math.prod(likelihood(number, is_true=number == truth) for number in range(size))
        for truth in range(size + 1)
    ]
    return [weight / sum(weights) for weight in weights[:size]]


def test_a_fitted_model_says_what_bayes_says() -> None:
    random_source = random.Random(5)
    known = [drawn_history(random_source, 1 + n % 5, organic_share=0.4) for n in range(3_000)]
    model = fit_pair_model(known[:2_000])
    errors = [
        abs(found - expected)
        for one in known[2_000:]
        for found, expected in zip(
            confidences(one.touches, one.install, model), posterior(one, 0.4), strict=True
        )
    ]
    assert sum(errors) / len(errors) < 0.02


def test_a_confidence_comes_true_as_often_as_it_says() -> None:
    random_source = random.Random(6)
    known = [drawn_history(random_source, 1 + n % 5, organic_share=0.4) for n in range(6_000)]
    model = fit_pair_model(known[:3_000])
    output: list[tuple[float, bool]] = []
    for one in known[3_000:]:
        found = confidences(one.touches, one.install, model)
        best = max(range(len(found)), key=found.__getitem__)
        output.append((found[best], one.touches[best].touch_id == one.touch_id))
    output.sort()
    bins = [output[n * len(output) // 15 : (n + 1) * len(output) // 15] for n in range(15)]
    gaps = [abs(sum(p for p, _ in one) - sum(hit for _, hit in one)) for one in bins]
    assert sum(gaps) / len(output) < 0.03
