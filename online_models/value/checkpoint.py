"""The value model as bytes: whole, to go on learning bit for bit, or only what scoring needs.

Plain little-endian arrays in the envelope of `learning.snapshots`. Of the many places for
features only those in use are written. Nothing read back is trusted: what is truncated, altered,
of another layout, hash or shape, or not finite is `Unusable`, with the reason.
"""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct, msgpack

from online_models.hazard.checkpoint import fill
from online_models.hazard.kernel import Kernel
from online_models.hazard.rules import PLATFORMS_MAX, Numbers, Places
from online_models.learning.snapshots import Snapshot, Unusable, seal, unseal
from online_models.value.amount_arrays import new_amounts
from online_models.value.ladder import Ladder
from online_models.value.model import LearnCounts, ValueModel, new_weights
from online_models.value.rules import CODE_VERSION, ValueRules, schema_of
from online_models.value.scorer import ValueScorer

MODEL_SCHEMA = f"value/model/{CODE_VERSION}"
SCORER_SCHEMA = f"value/scorer/{CODE_VERSION}"


class _Body(Struct, frozen=True, array_like=True, gc=False):
    meaning: str  # what the arrays are of
    seed: int
    counts: LearnCounts
    steps_skipped: int
    platforms: list[str]
    used: bytes  # int32 places of features, rising
    of_features: list[bytes]  # float64, a row for each place
    whole: list[bytes]  # float64


_encoder = msgpack.Encoder()
_bodies = msgpack.Decoder(_Body)


def dump_model(model: ValueModel) -> bytes:
    of_features, whole = _model_arrays(model)
    used = np.flatnonzero(model.memory.n.any(axis=1) | model.scorer.amounts.n.any(axis=1))
    body = _body(model, used, of_features, whole)
    return seal(MODEL_SCHEMA, _encoder.encode(body))[0]


def dump_scorer(model: ValueModel) -> Snapshot:
    """A read-only copy. The same model always has the same version and bytes."""
    of_features, whole = _scorer_arrays(model.scorer)
    used = np.flatnonzero(of_features[0].any(axis=1) | of_features[1].any(axis=1))
    content, checksum = seal(SCORER_SCHEMA, _encoder.encode(_body(model, used, of_features, whole)))
    return Snapshot(_version(model.counts, checksum), content)


def load_model(
    content: bytes, rules: ValueRules, kernel: Kernel | None = None
) -> ValueModel | Unusable:
    """The model in `content`, going on under `rules`; its learning rates may be others."""
    read = _read(MODEL_SCHEMA, content, rules)
    if isinstance(read, Unusable):
        return read
    body, used, _ = read
    model = ValueModel(rules, kernel)
    of_features, whole = _model_arrays(model)
    unusable = fill((body.of_features, body.whole), used, of_features, whole)
    if unusable is not None:
        return unusable
    model.counts = body.counts
    model.scorer.ladder.skipped = body.steps_skipped
    model.scorer.platforms.extend(body.platforms)
    return model


def load_scorer(
    content: bytes, rules: ValueRules, kernel: Kernel | None = None
) -> ValueScorer | Unusable:
    """The scorer in `content`, under the version it was published with."""
    read = _read(SCORER_SCHEMA, content, rules)
    if isinstance(read, Unusable):
        return read
    body, used, checksum = read
    state = (new_weights(rules), new_amounts(rules, is_read_only=True), Ladder(rules))
    version = _version(body.counts, checksum)
    scorer = ValueScorer(rules, state, body.platforms, kernel, version)
    unusable = fill((body.of_features, body.whole), used, *_scorer_arrays(scorer))
    return scorer if unusable is None else unusable


def _scorer_arrays(scorer: ValueScorer) -> tuple[list[Numbers], list[Numbers]]:
    """Those with a row per place of features, and the others."""
    weights, amounts = scorer.weights, scorer.amounts
    whole = [*weights[1:], amounts.bias, amounts.tails, amounts.levels, amounts.bends, amounts.rows]
    return [weights.w, amounts.w], [*whole, scorer.ladder.steps]


def _model_arrays(model: ValueModel) -> tuple[list[Numbers], list[Numbers]]:
    of_features, whole = _scorer_arrays(model.scorer)
    memory, amounts = model.memory, model.scorer.amounts
    return (
        [*of_features, memory.z, memory.n, amounts.z, amounts.n],
        [*whole, *memory[2:], amounts.bias_z, amounts.bias_n],
    )


def _body(
    model: ValueModel, used: Places, of_features: list[Numbers], whole: list[Numbers]
) -> _Body:
    return _Body(
        meaning=schema_of(model.rules),
        seed=model.rules.seed,
        counts=model.counts,
        steps_skipped=model.scorer.ladder.skipped,
        platforms=model.scorer.platforms,
        used=used.astype("<i4").tobytes(),
        of_features=[numbers[used].astype("<f8", copy=False).tobytes() for numbers in of_features],
        whole=[numbers.astype("<f8", copy=False).tobytes() for numbers in whole],
    )


def _read(schema: str, content: bytes, rules: ValueRules) -> tuple[_Body, Places, bytes] | Unusable:
    opened = unseal(schema, content)
    if isinstance(opened, Unusable):
        return opened
    try:
        body = _bodies.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"body is not a value model: {error}")
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


def _version(counts: LearnCounts, checksum: bytes) -> str:
    return f"value-{counts.rows}-{checksum.hex()[:8]}"
