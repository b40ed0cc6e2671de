"""Rows for tests of the hazard model, and the kernels that can run here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache

from hypothesis import strategies as st

from online_models.hazard import kernel_numpy
from online_models.hazard.bins import PAYER
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from streams.lab.bench.hazard_rows import hazard_rows

SMALL = HazardRules(slots=2**10)
"""Few enough places for names to share some."""


@cache
def rows(count: int, seed: int = 1) -> tuple[HazardRow, ...]:
    return tuple(hazard_rows(count, seed))


def kernels() -> list[Kernel]:
    """That without numba, and the compiled one where numba is installed."""
    if importlib.util.find_spec("numba") is None:
        return [kernel_numpy.NUMPY_KERNEL]
    from online_models.hazard import kernel_numba

    return [kernel_numpy.NUMPY_KERNEL, kernel_numba.NUMBA_KERNEL]


def learned(count: int, rules: HazardRules = SMALL, kernel: Kernel | None = None) -> HazardModel:
    model = HazardModel(rules, kernel)
    model.learn(rows(count))
    return model


values = st.one_of(
    st.just(1.0),
    st.floats(-100, 100),
    st.sampled_from([0.0, -0.0, float("nan"), float("inf"), -float("inf"), 101.0, 1e300, 5e-324]),
)
features = st.dictionaries(st.text(max_size=3), values, max_size=6)


@st.composite
def any_row(draw: Callable[[st.SearchStrategy[int]], int]) -> HazardRow:
    landmark = draw(st.integers(0, len(PAYER.landmarks) - 1))
    return HazardRow(
        # Hypothesis types `draw` by the strategy, whose literals mypy widens.
        features=draw(features),  # type: ignore[arg-type]
        landmark=landmark,
        bin=draw(st.integers(PAYER.first_bin(landmark), PAYER.bins - 1)),
        label=bool(draw(st.integers(0, 1))),
        platform=draw(st.sampled_from(["ios", "android", ""])),  # type: ignore[arg-type]
        group=draw(st.sampled_from(["", "", "a", "b"])),  # type: ignore[arg-type]
    )
