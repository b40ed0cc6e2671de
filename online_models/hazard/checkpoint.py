"""The hazard model as bytes: whole, to go on learning bit for bit, or only what scoring needs.

Plain little-endian arrays in the envelope of `learning.snapshots`. Of the many places for
features only those in use are written. Nothing read back is trusted: what is truncated, altered,
of another layout, hash or shape, or not finite is `Unusable`, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct, msgpack

from online_models.hazard.kernel import Kernel, new_weights
from online_models.hazard.model import HazardModel, LearnCounts
from online_models.hazard.rules import (
    CODE_VERSION,
    PLATFORMS_MAX,
    HazardRules,
    Numbers,
    Places,
    schema_of,
)
from online_models.hazard.scorer import HazardScorer
from online_models.learning.snapshots import Snapshot, Unusable, seal, unseal

MODEL_SCHEMA = f"hazard/model/{CODE_VERSION}"
SCORER_SCHEMA = f"hazard/scorer/{CODE_VERSION}"

Buffer = bytes | memoryview


class _Body(Struct, frozen=True, array_like=True, gc=False):
    meaning: str  # what the arrays are of
    seed: int
    counts: LearnCounts
    platforms: list[str]
    used: bytes  # int32 places of features, rising
    of_features: list[memoryview]  # float64, a row for each place
    whole: list[memoryview]  # float64


_encoder = msgpack.Encoder()
_bodies = msgpack.Decoder(_Body)


def dump_model(model: HazardModel) -> bytes:
    memory = model.memory
    used = np.flatnonzero(memory.n.any(axis=1))
    whole = [*model.scorer.weights[1:], *memory[2:]]
    body = _body(model, used, [memory.z, memory.n], whole)
    return seal(MODEL_SCHEMA, _encoder.encode(body))[0]


def dump_scorer(model: HazardModel) -> Snapshot:
    """A read-only copy. The same model always has the same version and bytes."""
    weights = model.scorer.weights
    used = np.flatnonzero(weights.w.any(axis=1))
    body = _body(model, used, [weights.w], [*weights[1:]])
    content, checksum = seal(SCORER_SCHEMA, _encoder.encode(body))
    return Snapshot(_version(model.counts, checksum), content)


def load_model(
    content: bytes, rules: HazardRules, kernel: Kernel | None = None
) -> HazardModel | Unusable:
    """The model in `content`, going on under `rules`; its learning rates may be others."""
    read = _read(MODEL_SCHEMA, content, rules)
    if isinstance(read, Unusable):
        return read
    body, used, _ = read
    model = HazardModel(rules, kernel)
    weights, memory = model.scorer.weights, model.memory
    unusable = fill(
        (body.of_features, body.whole), used, [memory.z, memory.n], [*weights[1:], *memory[2:]]
    )
    if unusable is not None:
        return unusable
    if any(bool((squares < 0).any()) for squares in (memory.n, memory.bias_n)):
        return Unusable("sums of squares are negative")
    weights.w[used] = weights_of(memory.z[used], memory.n[used], rules)
    model.counts = body.counts
    model.scorer.platforms.extend(body.platforms)
    return model


def load_scorer(
    content: bytes, rules: HazardRules, kernel: Kernel | None = None
) -> HazardScorer | Unusable:
    """The scorer in `content`, under the version it was published with."""
    read = _read(SCORER_SCHEMA, content, rules)
    if isinstance(read, Unusable):
        return read
    body, used, checksum = read
    weights = new_weights(rules)
    unusable = fill((body.of_features, body.whole), used, [weights.w], [*weights[1:]])
    if unusable is not None:
        return unusable
    version = _version(body.counts, checksum)
    return HazardScorer(rules, weights, body.platforms, kernel, version)


def _body(
    model: HazardModel, used: Places, of_features: list[Numbers], whole: list[Numbers]
) -> _Body:
    return _Body(
        meaning=schema_of(model.rules),
        seed=model.rules.seed,
        counts=model.counts,
        platforms=model.scorer.platforms,
        used=used.astype("<i4").tobytes(),
        # Not copied where all are in use: then there are 17 MB of them.
        of_features=[
            _octets(numbers if len(used) == len(numbers) else numbers[used])
            for numbers in of_features
        ],
        whole=[_octets(numbers) for numbers in whole],
    )


def _octets(numbers: Numbers) -> memoryview:
    return np.ascontiguousarray(numbers, "<f8").reshape(-1).view(np.uint8).data


def _read(
    schema: str, content: bytes, rules: HazardRules
) -> tuple[_Body, Places, bytes] | Unusable:
    opened = unseal(schema, content)
    if isinstance(opened, Unusable):
        return opened
    try:
        body = _bodies.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"body is not a hazard model: {error}")
    if body.seed != rules.seed:
        return Unusable(f"names hashed with seed {body.seed}, expected {rules.seed}")
    if body.meaning != schema_of(rules):
        return Unusable(f"shape or size {body.meaning[:64]!r}, expected {schema_of(rules)!r}")
    if len(body.platforms) > PLATFORMS_MAX or len({*body.platforms}) < len(body.platforms):
        return Unusable("too many platforms, or one twice")
    if len(body.used) % 4:
        return Unusable("places of features are cut off")
    used = np.frombuffer(body.used, "<i4").astype(np.int64)
    if len(used) and (used[0] < 0 or used[-1] >= rules.slots or (np.diff(used) <= 0).any()):
        return Unusable("places of features are out of range or order")
    return body, used, opened.checksum


def fill(
    read: tuple[Sequence[Buffer], Sequence[Buffer]],
    used: Places,
    of_features: list[Numbers],
    whole: list[Numbers],
) -> Unusable | None:
    """Copy arrays that were read; why not, if one has another size or is not finite."""
    for targets, contents in ((of_features, read[0]), (whole, read[1])):
        if len(targets) != len(contents):
            return Unusable(f"{len(contents)} arrays, expected {len(targets)}")
        for target, content in zip(targets, contents, strict=True):
            rows = used if targets is of_features else slice(None)
            shape = target[rows].shape
            if len(content) != 8 * math.prod(shape):
                return Unusable(f"{len(content)} bytes in an array of {shape}")
            numbers = np.frombuffer(content, "<f8").reshape(shape)
            if not np.isfinite(numbers).all():
                return Unusable("weights are not finite")
            target[rows] = numbers
    return None


def weights_of(z: Numbers, n: Numbers, rules: HazardRules) -> Numbers:
    """As the kernel computes them, in the same order."""
    w = -(z - np.copysign(rules.l1, z)) / ((rules.beta + np.sqrt(n)) / rules.alpha + rules.l2)
    return np.where(np.abs(z) <= rules.l1, 0.0, w)


def _version(counts: LearnCounts, checksum: bytes) -> str:
    return f"hazard-{counts.rows}-{checksum.hex()[:8]}"
