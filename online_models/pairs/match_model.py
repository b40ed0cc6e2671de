"""A version of the live pair model as bytes, and the read-only copy that journeys score with."""

from __future__ import annotations

from msgspec import Struct

from online_models.pairs.pair_weights import Calibration, PairWeights
from online_models.persistence.envelope import Snapshot, Unusable, version_name
from online_models.persistence.layout import Layout

MATCHES = "match"
"""Name of the model in markers and metrics."""

ODDS_DIGITS = 6


class MatchModel(Struct, frozen=True):
    """Read-only weights, and the version that they were published as."""

    version: str
    weights: PairWeights


class MatchBody(Struct, frozen=True, array_like=True, gc=False):
    """What is stored of a version."""

    installs_seen: int
    odds: dict[str, float]
    slope: float
    crowding: float
    null: float


MATCH_MODEL = Layout(f"{MATCHES}/model/1", MatchBody, "a pair model")


def rounded_weights(weights: PairWeights) -> PairWeights:
    """The weights as they are stored."""
    odds = {level: round(weights.odds[level], ODDS_DIGITS) for level in sorted(weights.odds)}
    slope, crowding, null = (round(one, ODDS_DIGITS) for one in weights.calibration)
    return PairWeights(odds, Calibration(slope, crowding, null))


def dump_match_model(installs_seen: int, weights: PairWeights) -> Snapshot:
    """The same weights always have the same version and bytes."""
    body = MatchBody(installs_seen, weights.odds, *weights.calibration)
    sealed = MATCH_MODEL.dump(body)
    return Snapshot(version_name(MATCHES, installs_seen, sealed.checksum), sealed.content)


def load_match_model(content: bytes) -> MatchModel | Unusable:
    """The model in `content`, under the version it was published with."""
    opened = MATCH_MODEL.load(content)
    if isinstance(opened, Unusable):
        return opened
    body, checksum = opened
    weights = PairWeights(body.odds, Calibration(body.slope, body.crowding, body.null))
    if not weights.is_finite or weights.calibration.slope <= 0.0:
        return Unusable("weights are not finite, or turn scores round")
    return MatchModel(version_name(MATCHES, body.installs_seen, checksum), weights)
