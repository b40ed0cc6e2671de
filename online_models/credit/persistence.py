"""The credit model as bytes, and the read-only copy that shares credit."""

from __future__ import annotations

from msgspec import Struct

from online_models.credit.exposures import Strength
from online_models.credit.hazard import AppChannel, ChannelEffect, CreditHazard
from online_models.persistence.arrays import pack_numbers, unpack_columns
from online_models.persistence.envelope import Snapshot, Unusable, version_name
from online_models.persistence.layout import Layout

CREDIT = "credit"
"""Name of the model in markers and metrics."""


MarkovWeights = dict[AppChannel, float]
"""Weights by which an install is split, so that the parts add up to removal effects. Only ratios
within an app matter."""


class CreditModel(Struct, frozen=True):
    """Read-only copy of everything learned that shares credit."""

    version: str
    hazard: CreditHazard
    markov: MarkovWeights


class CreditBody(Struct, frozen=True, array_like=True, gc=False):
    """What is stored of a credit model. Bytes are little-endian float64."""

    paths_seen: int
    apps: list[str]
    levels: bytes
    slopes: bytes
    channels: list[AppChannel]
    effects: bytes  # four of each channel
    weights: bytes  # of each channel: Markov, and one that is no longer used


CREDIT_MODEL = Layout(f"{CREDIT}/model/1", CreditBody, "a credit model")


def dump_credit_model(paths_seen: int, hazard: CreditHazard, markov: MarkovWeights) -> Snapshot:
    """The same model always has the same version and bytes."""
    channels = list(hazard.effects)
    sealed = CREDIT_MODEL.dump(
        CreditBody(
            paths_seen=paths_seen,
            apps=list(hazard.levels),
            levels=pack_numbers(hazard.levels.values()),
            slopes=pack_numbers((hazard.intent_slope, hazard.prior_slope)),
            channels=channels,
            effects=pack_numbers(
                rate for one in hazard.effects.values() for kind in one for rate in kind
            ),
            weights=pack_numbers(
                weight for channel in channels for weight in (markov.get(channel, 0.0), 0.0)
            ),
        )
    )
    return Snapshot(version_name(CREDIT, paths_seen, sealed.checksum), sealed.content)


def load_credit_model(content: bytes) -> CreditModel | Unusable:
    """The model in `content`, under the version it was published with."""
    opened = CREDIT_MODEL.load(content)
    if isinstance(opened, Unusable):
        return opened
    body, checksum = opened
    columns = unpack_columns(
        (body.levels, body.slopes, body.effects, body.weights),
        (len(body.apps), 2, 4 * len(body.channels), 2 * len(body.channels)),
    )
    if isinstance(columns, Unusable):
        return columns
    levels, slopes, effects, weights = columns
    rates = [Strength(*effects[at : at + 2]) for at in range(0, len(effects), 2)]
    hazard = CreditHazard(
        dict(zip(body.apps, levels, strict=True)),
        slopes[0],
        slopes[1],
        {
            channel: ChannelEffect(*rates[2 * number : 2 * number + 2])
            for number, channel in enumerate(body.channels)
        },
    )
    if not hazard.is_complete():
        return Unusable("no parameters for what is unknown")
    markov = dict(zip(body.channels, weights[::2], strict=True))
    version = version_name(CREDIT, body.paths_seen, checksum)
    return CreditModel(version, hazard, markov)
