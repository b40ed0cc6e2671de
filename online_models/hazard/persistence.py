"""The hazard model as bytes: whole, to go on learning bit for bit, or only what scoring needs.

Nothing read back is trusted: what is truncated, altered, of another layout, hash or shape, or not
finite is `Unusable`, with the reason.
"""

from __future__ import annotations

from msgspec import Struct

from online_models.hazard.kernel import Kernel, new_weights, weights_of
from online_models.hazard.model import HazardLearnCounts, HazardModel
from online_models.hazard.rules import (
    HAZARD_CODE_VERSION,
    HAZARD_COLUMNS,
    PLATFORMS_MAX,
    HazardRules,
    Places,
    hazard_fingerprint,
    hazard_frame,
)
from online_models.hazard.scorer import HazardScorer
from online_models.persistence.arrays import ExpectedModel, ModelArrays, rows_in_use
from online_models.persistence.envelope import Snapshot, Unusable, version_name
from online_models.persistence.layout import Layout, Opened


class HazardBody(Struct, frozen=True, array_like=True, gc=False):
    """What is stored of a hazard model: see `persistence.arrays.StoredArrays`."""

    meaning: str
    seed: int
    counts: HazardLearnCounts
    platforms: list[str]
    used: bytes
    of_features: list[memoryview]
    whole: list[memoryview]


HAZARD_MODEL = Layout(f"hazard/model/{HAZARD_CODE_VERSION}", HazardBody, "a hazard model")
HAZARD_SCORER = Layout(f"hazard/scorer/{HAZARD_CODE_VERSION}", HazardBody, "a hazard model")


def dump_hazard_model(model: HazardModel) -> bytes:
    """Everything that `load_hazard_model` needs to go on learning bit for bit."""
    used = rows_in_use(model.memory.n)
    return HAZARD_MODEL.dump(_body(model, _model_arrays(model), used)).content


def dump_hazard_scorer(model: HazardModel) -> Snapshot:
    """A read-only copy. The same model always has the same version and bytes."""
    used = rows_in_use(model.scorer.weights.w)
    sealed = HAZARD_SCORER.dump(_body(model, _scorer_arrays(model.scorer), used))
    return Snapshot(_version(model.counts, sealed.checksum), sealed.content)


def load_hazard_model(
    content: bytes, rules: HazardRules, kernel: Kernel | None = None
) -> HazardModel | Unusable:
    """The model in `content`, going on under `rules`; its learning rates may be others."""
    read = _read(HAZARD_MODEL, content, rules)
    if isinstance(read, Unusable):
        return read
    (body, _), used = read
    model = HazardModel(rules, kernel)
    unusable = _model_arrays(model).fill(used, body)
    if unusable is not None:
        return unusable
    memory = model.memory
    if any(bool((squares < 0).any()) for squares in (memory.n, memory.bias_n)):
        return Unusable("sums of squares are negative")
    model.scorer.weights.w[used] = weights_of(memory.z[used], memory.n[used], rules)
    model.counts = body.counts
    model.scorer.platforms.extend(body.platforms)
    return model


def load_hazard_scorer(
    content: bytes, rules: HazardRules, kernel: Kernel | None = None
) -> HazardScorer | Unusable:
    """The scorer in `content`, under the version it was published with."""
    read = _read(HAZARD_SCORER, content, rules)
    if isinstance(read, Unusable):
        return read
    (body, checksum), used = read
    weights = new_weights(rules.slots, HAZARD_COLUMNS, hazard_frame(rules).base)
    version = _version(body.counts, checksum)
    scorer = HazardScorer(rules, weights, body.platforms, kernel, version)
    unusable = _scorer_arrays(scorer).fill(used, body)
    return scorer if unusable is None else unusable


def _scorer_arrays(scorer: HazardScorer) -> ModelArrays:
    return ModelArrays([scorer.weights.w], [*scorer.weights[1:]])


def _model_arrays(model: HazardModel) -> ModelArrays:
    """Weights of features are left out: they follow from `z` and `n`."""
    memory = model.memory
    return ModelArrays([memory.z, memory.n], [*model.scorer.weights[1:], *memory[2:]])


def _body(model: HazardModel, arrays: ModelArrays, used: Places) -> HazardBody:
    packed = arrays.pack(used)
    return HazardBody(
        meaning=hazard_fingerprint(model.rules),
        seed=model.rules.seed,
        counts=model.counts,
        platforms=model.scorer.platforms,
        used=packed.used,
        of_features=packed.of_features,
        whole=packed.whole,
    )


def _read(
    layout: Layout[HazardBody], content: bytes, rules: HazardRules
) -> tuple[Opened[HazardBody], Places] | Unusable:
    opened = layout.load(content)
    if isinstance(opened, Unusable):
        return opened
    expected = ExpectedModel(hazard_fingerprint(rules), rules.seed, rules.slots, PLATFORMS_MAX)
    used = expected.slots_used(opened.body)
    return used if isinstance(used, Unusable) else (opened, used)


def _version(counts: HazardLearnCounts, checksum: bytes) -> str:
    return version_name("hazard", counts.rows, checksum)
