"""River challengers as bytes: to go on learning, and to score.

What was learned by another declaration, or another version of River, means something else: such a
challenger begins with nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec
import river
from msgspec import Struct

from online_models.challengers.declaration import RiverDeclaration
from online_models.challengers.new_estimator import fault_line, new_estimator
from online_models.challengers.plain_state import NotPlainError, fill_plain, raise_unless_fault
from online_models.challengers.river_challenger import ChallengerSums, RiverChallenger
from online_models.persistence.envelope import Sealed, Unusable
from online_models.persistence.layout import Layout


class RiverBody(Struct, frozen=True, array_like=True, gc=False):
    """A challenger as it is stored. `state` None: what it learned is not plain values."""

    name: str
    meaning: str
    rows: int
    positives: int
    blocks: int
    suspended: str
    is_leading: bool
    sums: list[ChallengerSums]
    state: Any


class RiverScorerBody(Struct, frozen=True, array_like=True, gc=False):
    """A version that may score."""

    name: str
    meaning: str
    rows: int
    state: Any


RIVER_CHALLENGER = Layout("challenger/river/1", RiverBody, "a River challenger")
RIVER_SCORER = Layout("challenger/river-scorer/1", RiverScorerBody, "a version of a challenger")


class LoadedEstimator(NamedTuple):
    """An estimator that was read back, and the name it was declared by."""

    name: str
    estimator: Any


def meaning_of(declared: RiverDeclaration) -> str:
    """Fingerprint of what gives a stored state its meaning."""
    meaning = (river.__version__, declared.estimator, declared.factory, dict(declared.parameters))
    return hashlib.sha256(msgspec.json.encode(meaning, order="sorted")).hexdigest()[:16]


def dump_challenger(challenger: RiverChallenger, *, is_leading: bool) -> bytes:
    """Everything that goes on after a restart. A challenger that is not plain begins again then,
    with no evidence, since the champion's rows that it was compared on are gone with it."""
    plain = challenger.plain()
    is_plain = not isinstance(plain, NotPlainError)
    body = RiverBody(
        name=challenger.declared.name,
        meaning=meaning_of(challenger.declared),
        rows=challenger.rows if is_plain else 0,
        positives=challenger.positives if is_plain else 0,
        blocks=challenger.blocks if is_plain else 0,
        suspended=challenger.suspended,
        is_leading=is_leading,
        sums=[*challenger.sums] if is_plain else [],
        state=plain if is_plain else None,
    )
    return RIVER_CHALLENGER.dump(body).content


def fill_challenger(fresh: RiverChallenger, content: bytes) -> bool:
    """Let a new challenger go on from its stored form, or begin where that is of no use; whether
    it was leading."""
    opened = RIVER_CHALLENGER.load(content)
    if isinstance(opened, Unusable) or opened.body.meaning != meaning_of(fresh.declared):
        return False
    body = opened.body
    fresh.suspended = body.suspended
    if body.state is None:
        return False
    try:
        fill_plain(fresh.estimator, body.state)
    except BaseException as error:  # NotPlainError, or what code of users raises.
        raise_unless_fault(error)
        fresh.begin_again()
        return False
    fresh.rows, fresh.positives, fresh.blocks = body.rows, body.positives, body.blocks
    fresh.sums.extend(body.sums)
    return body.is_leading


def dump_scorer(challenger: RiverChallenger, state: Any) -> Sealed:
    """A version that can score; `state`: its plain values."""
    body = RiverScorerBody(
        name=challenger.declared.name,
        meaning=meaning_of(challenger.declared),
        rows=challenger.rows,
        state=state,
    )
    return RIVER_SCORER.dump(body)


def load_estimator(
    content: bytes, declared: tuple[RiverDeclaration, ...]
) -> LoadedEstimator | Unusable:
    """The estimator of a version, made from the declaration of its name and filled."""
    opened = RIVER_SCORER.load(content)
    if isinstance(opened, Unusable):
        return opened
    body = opened.body
    own = next((one for one in declared if one.name == body.name), None)
    if own is None:
        return Unusable(f"challenger {body.name[:64]!r} is not declared here")
    if body.meaning != meaning_of(own):
        return Unusable(f"challenger {own.name} is declared otherwise here, or River is another")
    try:
        estimator = new_estimator(own)
        fill_plain(estimator, body.state)
    except BaseException as error:  # NotPlainError, the code is not here, or it raises.
        raise_unless_fault(error)
        return Unusable(f"challenger {own.name}: {fault_line(error)}")
    return LoadedEstimator(own.name, estimator)
