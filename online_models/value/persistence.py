"""The value model as bytes: whole, to go on learning bit for bit, or only what scoring needs.

Nothing read back is trusted: what is truncated, altered, of another layout, hash or shape, or not
finite is `Unusable`, with the reason.
"""

from __future__ import annotations

from msgspec import Struct

from online_models.hazard.kernel import Kernel, new_weights
from online_models.hazard.rules import PLATFORMS_MAX, Places
from online_models.persistence.arrays import ExpectedModel, ModelArrays, rows_in_use
from online_models.persistence.envelope import Snapshot, Unusable, version_name
from online_models.persistence.layout import Layout, Opened
from online_models.value.amount_arrays import new_amounts
from online_models.value.ladder import Ladder
from online_models.value.model import ValueLearnCounts, ValueModel
from online_models.value.rules import (
    VALUE_CODE_VERSION,
    VALUE_COLUMNS,
    ValueRules,
    value_fingerprint,
    value_frame,
)
from online_models.value.scorer import ValueScorer


class ValueBody(Struct, frozen=True, array_like=True, gc=False):
    """What is stored of a value model: see `persistence.arrays.StoredArrays`."""

    meaning: str
    seed: int
    counts: ValueLearnCounts
    steps_skipped: int
    platforms: list[str]
    used: bytes
    of_features: list[memoryview]
    whole: list[memoryview]


VALUE_MODEL = Layout(f"value/model/{VALUE_CODE_VERSION}", ValueBody, "a value model")
VALUE_SCORER = Layout(f"value/scorer/{VALUE_CODE_VERSION}", ValueBody, "a value model")


def dump_value_model(model: ValueModel) -> bytes:
    """Everything that `load_value_model` needs to go on learning bit for bit."""
    used = rows_in_use(model.memory.n, model.scorer.amounts.n)
    return VALUE_MODEL.dump(_body(model, _model_arrays(model), used)).content


def dump_value_scorer(model: ValueModel) -> Snapshot:
    """A read-only copy. The same model always has the same version and bytes."""
    arrays = _scorer_arrays(model.scorer)
    sealed = VALUE_SCORER.dump(_body(model, arrays, rows_in_use(*arrays.of_features)))
    return Snapshot(_version(model.counts, sealed.checksum), sealed.content)


def load_value_model(
    content: bytes, rules: ValueRules, kernel: Kernel | None = None
) -> ValueModel | Unusable:
    """The model in `content`, going on under `rules`; its learning rates may be others."""
    read = _read(VALUE_MODEL, content, rules)
    if isinstance(read, Unusable):
        return read
    (body, _), used = read
    model = ValueModel(rules, kernel)
    unusable = _stored_of(_model_arrays(model), body).fill(used, body)
    if unusable is not None:
        return unusable
    model.counts = body.counts
    model.scorer.ladder.skipped = body.steps_skipped
    model.scorer.platforms.extend(body.platforms)
    return model


def load_value_scorer(
    content: bytes, rules: ValueRules, kernel: Kernel | None = None
) -> ValueScorer | Unusable:
    """The scorer in `content`, under the version it was published with."""
    read = _read(VALUE_SCORER, content, rules)
    if isinstance(read, Unusable):
        return read
    (body, checksum), used = read
    state = (
        new_weights(rules.slots, VALUE_COLUMNS, value_frame(rules).base),
        new_amounts(rules, is_read_only=True),
        Ladder(rules),
    )
    scorer = ValueScorer(rules, state, body.platforms, kernel, _version(body.counts, checksum))
    unusable = _stored_of(_scorer_arrays(scorer), body).fill(used, body)
    return scorer if unusable is None else unusable


def _scorer_arrays(scorer: ValueScorer) -> ModelArrays:
    weights, amounts = scorer.weights, scorer.amounts
    whole = [*weights[1:], amounts.bias, amounts.tails, amounts.levels, amounts.bends, amounts.rows]
    own = [*whole, scorer.ladder.steps]
    return ModelArrays([weights.w, amounts.w], [*own, amounts.spenders])


def _model_arrays(model: ValueModel) -> ModelArrays:
    """Weights are stored although they follow from `z` and `n`, unlike those of hazards: what was
    stored before has them, and must stay readable."""
    of_features, (*whole, spenders) = _scorer_arrays(model.scorer)
    memory, amounts = model.memory, model.scorer.amounts
    return ModelArrays(
        [*of_features, memory.z, memory.n, amounts.z, amounts.n],
        [*whole, *memory[2:], amounts.bias_z, amounts.bias_n, spenders],
    )


def _stored_of(arrays: ModelArrays, body: ValueBody) -> ModelArrays:
    """The arrays that a body has: one written before there were factors of what was paid lacks the
    last, and they begin with nothing learned."""
    is_older = len(body.whole) == len(arrays.whole) - 1
    return ModelArrays(arrays.of_features, arrays.whole[:-1]) if is_older else arrays


def _body(model: ValueModel, arrays: ModelArrays, used: Places) -> ValueBody:
    packed = arrays.pack(used)
    return ValueBody(
        meaning=value_fingerprint(model.rules),
        seed=model.rules.seed,
        counts=model.counts,
        steps_skipped=model.scorer.ladder.skipped,
        platforms=model.scorer.platforms,
        used=packed.used,
        of_features=packed.of_features,
        whole=packed.whole,
    )


def _read(
    layout: Layout[ValueBody], content: bytes, rules: ValueRules
) -> tuple[Opened[ValueBody], Places] | Unusable:
    opened = layout.load(content)
    if isinstance(opened, Unusable):
        return opened
    expected = ExpectedModel(value_fingerprint(rules), rules.seed, rules.slots, PLATFORMS_MAX)
    used = expected.slots_used(opened.body)
    return used if isinstance(used, Unusable) else (opened, used)


def _version(counts: ValueLearnCounts, checksum: bytes) -> str:
    return version_name("value", counts.rows, checksum)
