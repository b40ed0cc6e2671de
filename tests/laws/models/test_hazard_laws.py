"""What holds for the hazard model whatever it is given."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.hazard.bins import PAYER, bin_outcomes
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import Ask, HazardModel, HazardRow, HazardRules
from online_models.hazard.persistence import (
    dump_hazard_model,
    dump_hazard_scorer,
    load_hazard_model,
    load_hazard_scorer,
)
from online_models.persistence.envelope import Unusable
from schemas.time import DAY_MS
from tests.worlds import hazard_world
from tests.worlds.hazard_world import SMALL, any_row

TINY = HazardRules(slots=2**4, l1=0.01, alpha=0.5)
"""So few places that names meet, and rates so high that everything moves."""

ROWS = hazard_world.rows(600)
CONTENT = dump_hazard_model(hazard_world.learned(200, TINY))

some_rows = st.lists(any_row(), max_size=12)
elapsed = st.integers(0, 31 * DAY_MS)


def asked(row: HazardRow, since: int) -> Ask:
    start = PAYER.landmarks[row.landmark].after_ms
    return Ask(row.features, row.landmark, row.platform, max(since, start))


def results_of(kernel: Kernel, rows: list[HazardRow], since: int) -> tuple[bytes, bytes, str]:
    model = HazardModel(TINY, kernel)
    reported = model.learn(rows)
    answer = model.score_many([asked(row, since) for row in rows])
    return reported.tobytes(), dump_hazard_model(model), repr(answer)


@settings(deadline=None)
@given(some_rows, elapsed)
def test_every_kernel_gives_the_same_numbers_to_the_last_bit(
    rows: list[HazardRow], since: int
) -> None:
    assert len({results_of(kernel, rows, since) for kernel in hazard_world.kernels()}) == 1


def test_every_kernel_gives_the_same_numbers_on_the_traffic_of_weeks() -> None:
    rows = list(hazard_world.rows(6000))

    assert len({results_of(kernel, rows, 0) for kernel in hazard_world.kernels()}) == 1


@settings(deadline=None)
@given(some_rows, elapsed)
def test_a_longer_horizon_never_has_the_lower_chance(rows: list[HazardRow], since: int) -> None:
    model = HazardModel(TINY)
    model.learn(rows)
    for row in rows:
        answer = model.score(*asked(row, since))
        assert answer is None or all(
            0.0 < one <= other < 1.0 for one, other in pairwise([*answer.values(), 1 - 1e-7])
        )


@settings(deadline=None)
@given(some_rows, st.lists(st.integers(0, 12), max_size=4))
def test_batch_boundaries_change_nothing(rows: list[HazardRow], cuts: list[int]) -> None:
    rows = [row._replace(group="") for row in rows]
    whole, parts = HazardModel(TINY), HazardModel(TINY)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]

    reported = [parts.learn(rows[start:end]) for start, end in pairwise(bounds)]

    assert whole.learn(rows).tobytes() == np.concatenate(reported).tobytes()
    assert dump_hazard_model(whole) == dump_hazard_model(parts)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, len(ROWS)), max_size=4), st.sampled_from(hazard_world.kernels()))
def test_checkpoint_plus_tail_equals_the_uninterrupted_run_bit_for_bit(
    cuts: list[int], kernel: Kernel
) -> None:
    whole = HazardModel(SMALL, kernel)
    resumed = HazardModel(SMALL, kernel)
    bounds = [0, *sorted(cuts), len(ROWS)]

    for start, end in pairwise(bounds):
        expected = whole.learn(ROWS[start:end])
        assert resumed.learn(ROWS[start:end]).tobytes() == expected.tobytes()
        loaded = load_hazard_model(dump_hazard_model(resumed), SMALL, kernel)
        assert isinstance(loaded, HazardModel)
        resumed = loaded

    assert dump_hazard_model(resumed) == dump_hazard_model(whole)
    assert dump_hazard_scorer(resumed) == dump_hazard_scorer(whole)
    for row in ROWS[-50:]:
        ask = asked(row, 0)
        assert resumed.score(*ask) == whole.score(*ask)


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 255))
@settings(deadline=None)
def test_an_altered_byte_never_gives_another_model(place: int, byte: int) -> None:
    altered = bytearray(CONTENT)
    altered[place] = byte

    loaded = load_hazard_model(bytes(altered), TINY)

    assert isinstance(loaded, Unusable) or dump_hazard_model(loaded) == CONTENT


@given(st.integers(0, len(CONTENT) - 1))
@settings(deadline=None)
def test_a_truncated_model_is_unusable(length: int) -> None:
    assert isinstance(load_hazard_model(CONTENT[:length], TINY), Unusable)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_unusable(content: bytes) -> None:
    assert isinstance(load_hazard_model(content, TINY), Unusable)
    assert isinstance(load_hazard_scorer(content, TINY), Unusable)


@given(st.integers(0, len(PAYER.landmarks) - 1), st.none() | st.integers(-DAY_MS, 40 * DAY_MS))
def test_an_install_says_something_of_every_bin_until_it_pays_and_nothing_after(
    landmark: int, paid_after: int | None
) -> None:
    answer = bin_outcomes(PAYER, landmark, paid_after)

    assert [one.bin for one in answer] == list(
        range(PAYER.first_bin(landmark), PAYER.first_bin(landmark) + len(answer))
    )
    assert not any(one.label for one in answer[:-1])
    if answer and answer[-1].label:
        assert paid_after is not None
        assert PAYER.edges[answer[-1].bin] <= paid_after < answer[-1].due_after_ms
