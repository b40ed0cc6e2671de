"""The whole topology, seed by seed, with crashes between any two effects.

HEADWATER_SEEDS says how many seeds to run (default 50), HEADWATER_FIRST_SEED where to begin.
A seed that fails names itself and runs alone with `python -m tests.simulation --seed N`.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.seeds import run

SEEDS = int(os.environ.get("HEADWATER_SEEDS", "50"))
FIRST = int(os.environ.get("HEADWATER_FIRST_SEED", "0"))
CHUNKS = 20  # so that several processes can share them

FOUND = {
    137: "a touchpoint logged after a landmark showed in its features",
    34: "money that a relink moved was settled where it was booked and again where it expired",
    666: "a link logged after the deadline brought an earlier one of the same install forward",
    37: "a return that was known before the last answer of matching was never told",
    134: "a return kept the weaker evidence that was known first",
    296: "activity was marked or not, as the purge of an erasure came before or after it",
    501: "a key was forgotten before a touchpoint that another key sent on had been read",
    862: "a weight of -0.0 came back as 0.0 from a snapshot",
    1267: "money that expired where it was booked first counted there, though it was booked anew",
    1363: "a refund that was given back was told as expired, though its restore moved it",
    1215: "a journey was forgotten before what a restore takes back was answered",
    173: "a return by two ids of one device named the one that was known first",
    1015: "the naive reading knew no currency of a refund that names none, of a trial",
    971: "a landmark was asked for of somebody whose request had been read before the install",
    1039: "a click was held against its next user, though the first one was forgotten",
    1248: "an install followed one of the same device that its account had asked to forget",
    113: "log time leapt over the moment a user was forgotten; earlier features lost the source",
}
"""Seeds that found these faults, of the workers of their time or of what judges them."""


@pytest.mark.parametrize("seed", FOUND)
def test_what_a_seed_once_found_stays_mended(seed: int) -> None:
    _try(seed)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_law_holds_for_every_seed(chunk: int) -> None:
    for seed in range(FIRST + chunk, FIRST + SEEDS, CHUNKS):
        _try(seed)


def _try(seed: int) -> None:
    try:
        run(seed)
    except Exception as error:
        error.add_note(f"seed {seed}: python -m tests.simulation --seed {seed}")
        raise
