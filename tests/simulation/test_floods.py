"""What holds where bounds are hit, and that the floods hit them."""

from __future__ import annotations

import pytest

from tests.simulation.floods import run_flood


@pytest.mark.parametrize("seed", [3, 7, 11, 12])
def test_a_flood_loses_nothing_and_is_counted(seed: int) -> None:
    assert sum(run_flood(seed).values())
