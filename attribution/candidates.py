"""A touchpoint that may have led to an install, with the evidence that joined the two."""

from __future__ import annotations

from msgspec import Struct

from schemas.records import Signal, Touch


class Candidate(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint that may have led to the install, and the strongest evidence for it."""

    signal: Signal
    touch: Touch
