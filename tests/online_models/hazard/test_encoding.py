"""Names become places: the same everywhere, in bounded memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from online_models.hazard import encoding
from online_models.hazard.encoding import Encoder


def places(encoder: Encoder, names: list[str]) -> list[int]:
    slots: list[int] = encoder.encode([{name: 1.0} for name in names]).slots.tolist()
    return slots


def test_another_process_gives_the_same_places() -> None:
    program = (
        "from online_models.hazard.encoding import Encoder;"
        "print(Encoder(2**17, 7).encode([{'country=DE': 1.0, 'ü': 2.0}]).slots.tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == str(places(Encoder(2**17, 7), ["country=DE", "ü"]))


def test_another_seed_gives_other_places() -> None:
    names = [f"n{number}" for number in range(50)]

    assert places(Encoder(2**17, 1), names) != places(Encoder(2**17, 2), names)


def test_names_in_one_place_add_up() -> None:
    crowded = Encoder(1, 7).encode([{"a": 1.0, "b": 0.25}, {"c": 3.0}])

    assert crowded.starts.tolist() == [0, 1, 2]
    assert crowded.slots.tolist() == [0, 0]
    assert crowded.values.tolist() == [1.25, 3.0]


def test_a_million_campaigns_take_bounded_memory_and_change_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"campaign={number}" for number in range(1000)]
    before = places(Encoder(2**17, 7), names)
    monkeypatch.setattr(encoding, "NAMES_MAX", 100)
    encoder = Encoder(2**17, 7)

    assert places(encoder, names) == before
    assert places(encoder, names) == before
    assert encoder.forgotten == 19


def test_places_are_used_evenly() -> None:
    counts = [0] * 64
    for place in places(Encoder(64, 7), [f"campaign={number}" for number in range(6400)]):
        counts[place] += 1

    assert min(counts) > 50
    assert max(counts) < 150


def test_half_a_character_has_a_place_too() -> None:
    assert places(Encoder(2**17, 7), ["\ud800"])


@pytest.mark.parametrize("slots", [0, 3, -8])
def test_a_number_of_places_that_is_no_power_of_two_is_refused(slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Encoder(slots, 1)
