"""Growth is measured with the same popularity at every size, and over reopened stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.growth import TOUCHES_PER_DEVICE, GrownState, measure


def test_every_size_is_measured_in_fresh_and_in_reopened_stores(tmp_path: Path) -> None:
    report: Any = measure([200, 400], 2, tmp_path)
    for stores in ("fresh", "reopened"):
        for stage in ("matching", "journeys"):
            assert set(report[stores][stage]["microseconds"]) == {"200", "400"}
            assert report[stores][stage]["growth"]["200"] == 1.0


def test_a_device_is_met_once_whatever_was_met_before(tmp_path: Path) -> None:
    state = GrownState(tmp_path, 100)
    state.meet_devices(8)
    state.close()
    state.open()
    state.meet_devices(100 // TOUCHES_PER_DEVICE - 8)
    counted = [len(value) for key, value in state.matching_entries() if b"device" in key]
    state.close()
    assert len(counted) == 100 // TOUCHES_PER_DEVICE
    assert max(counted) - min(counted) < min(counted) / (TOUCHES_PER_DEVICE + 1)
