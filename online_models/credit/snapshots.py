"""Credit models as bytes, and the read-only copy that shares credit."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
from msgspec import Struct, msgpack

from online_models.credit.exposures import Strength
from online_models.credit.hazard import AppChannel, ChannelEffect, HazardModel
from online_models.learning.snapshots import Snapshot, Unusable, packed, seal, unpacked, unseal

CREDIT = "credit"
"""Names the model in markers and metrics."""

_MODEL_SCHEMA = f"{CREDIT}/model/1"


class Weights(NamedTuple):
    """What Markov removal and Shapley give the channels; only ratios within an app matter."""

    markov: dict[AppChannel, float]
    shapley: dict[AppChannel, float]


class CreditModel(Struct, frozen=True):
    """Read-only copy of everything that shares credit by what was learned."""

    version: str
    hazard: HazardModel
    weights: Weights


class ModelBody(Struct, frozen=True, array_like=True, gc=False):
    paths_seen: int
    apps: list[str]
    levels: bytes
    slopes: bytes
    channels: list[AppChannel]
    effects: bytes  # four of each channel
    weights: bytes  # two of each channel


_encoder = msgpack.Encoder()
_bodies = msgpack.Decoder(ModelBody)


def dump_model(paths_seen: int, hazard: HazardModel, weights: Weights) -> Snapshot:
    """The same model always has the same version and bytes."""
    channels = list(hazard.effects)
    body = _encoder.encode(
        ModelBody(
            paths_seen,
            list(hazard.levels),
            packed(hazard.levels.values()),
            packed((hazard.intent_slope, hazard.prior_slope)),
            channels,
            packed(rate for one in hazard.effects.values() for kind in one for rate in kind),
            packed(
                learned.get(channel, 0.0)
                for channel in channels
                for learned in (weights.markov, weights.shapley)
            ),
        )
    )
    content, checksum = seal(_MODEL_SCHEMA, body)
    return Snapshot(_version(paths_seen, checksum), content)


def load_model(content: bytes) -> CreditModel | Unusable:
    """The model in `content`, under the version it was published with."""
    opened = unseal(_MODEL_SCHEMA, content)
    if isinstance(opened, Unusable):
        return opened
    try:
        body = _bodies.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"body is not a credit model: {error}")
    numbers = [unpacked(part) for part in (body.levels, body.slopes, body.effects, body.weights)]
    sizes = (len(body.apps), 2, 4 * len(body.channels), 2 * len(body.channels))
    for found, size in zip(numbers, sizes, strict=True):
        if found is None or len(found) != size:
            return Unusable("another number of parameters than names")
        if not all(map(math.isfinite, found)):
            return Unusable("parameters are not finite")
    levels, slopes, effects, weights = (found or () for found in numbers)
    rates = [Strength(*effects[at : at + 2]) for at in range(0, len(effects), 2)]
    hazard = HazardModel(
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
    shapley = dict(zip(body.channels, weights[1::2], strict=True))
    version = _version(body.paths_seen, opened.checksum)
    return CreditModel(version, hazard, Weights(markov, shapley))


def _version(paths_seen: int, checksum: bytes) -> str:
    return f"{CREDIT}-{paths_seen}-{checksum.hex()[:8]}"
