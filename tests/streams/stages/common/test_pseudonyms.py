"""Pseudonyms stay what they were where a key can hold the secret; a longer secret counts whole."""

from __future__ import annotations

import pytest

from schemas.time import LogMs
from streams.stages.common.pseudonyms import FormerPseudonyms, Pseudonyms

GAID = "38400000-8cf0-11bd-b23e-10b96e40000d"
SECRET_64 = b"0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("secret", "pseudonym"),
    [
        (b"secret", "d0b86a77fd7842bc66e11946d65a8285"),
        (SECRET_64, "97c3b6db52210009e7278e4ce6bf60e3"),
        (SECRET_64 + b"x", "6e4388764b5c1b341840d3df3b454c4b"),
    ],
)
def test_a_secret_gives_the_pseudonyms_that_are_stored(secret: bytes, pseudonym: str) -> None:
    assert Pseudonyms(secret).of(GAID) == pseudonym


def test_the_end_of_a_long_secret_is_not_cut_off() -> None:
    one, other = (Pseudonyms(SECRET_64 + end).of(GAID) for end in (b"one", b"other"))
    assert len({one, other, Pseudonyms(SECRET_64).of(GAID)}) == 3


def test_the_log_says_when_a_former_secret_ends() -> None:
    former = FormerPseudonyms(Pseudonyms(b"secret"), until=LogMs(1_000))
    assert former.at(LogMs(999)) is former.pseudonyms
    assert former.at(LogMs(1_000)) is None
