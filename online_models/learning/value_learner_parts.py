"""The learner of value as named parts, so that it goes on bit for bit where it was."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct, msgpack

from online_models.learning.rules import Counts
from online_models.learning.snapshots import Unusable, seal, unseal
from online_models.learning.value_learner import (
    ValueLearner,
    ValueLearnerRules,
    ValueSums,
    ValueVersion,
)
from online_models.value.checkpoint import dump_model, load_model, load_scorer
from online_models.value.scorer import PackedAsk
from schemas.records import Example

HEAD, MODEL, CHAMPION, PREVIOUS = "head", "model", "champion", "previous"
_SCHEMA = "value/learner/1"


class _Head(Struct, frozen=True, array_like=True):
    counts: Counts
    means: bytes  # float64
    pending: list[Example]
    blocks: list[ValueSums]
    golden: list[PackedAsk]
    champion: str  # name; "": none
    previous: str


_encoder = msgpack.Encoder()
_heads = msgpack.Decoder(_Head)


def dump_learner(learner: ValueLearner) -> dict[str, bytes]:
    champion, previous = learner.champion, learner.previous
    head = _Head(
        learner.counts,
        learner.means.astype("<f8", copy=False).tobytes(),
        learner.pending,
        list(learner.blocks),
        list(learner.golden),
        champion.name if champion else "",
        previous.name if previous else "",
    )
    parts = {HEAD: seal(_SCHEMA, _encoder.encode(head))[0], MODEL: dump_model(learner.model)}
    if champion:
        parts[CHAMPION] = champion.content
    if previous and previous is not champion:
        parts[PREVIOUS] = previous.content
    return parts


def load_learner(parts: Mapping[str, bytes], rules: ValueLearnerRules) -> ValueLearner | Unusable:
    """The learner in `parts`, going on under `rules`."""
    learner = ValueLearner(rules)
    opened = unseal(_SCHEMA, parts.get(HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    try:
        head = _heads.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"head is not that of a learner of value: {error}")
    if len(head.means) != learner.means.nbytes:
        return Unusable("landmarks or buckets are others than those of value")
    model = load_model(parts.get(MODEL, b""), rules.value)
    if isinstance(model, Unusable):
        return Unusable(f"model: {model.reason}")
    learner.model, learner.counts, learner.pending = model, head.counts, head.pending
    learner.means = np.frombuffer(head.means, "<f8").reshape(learner.means.shape).copy()
    learner.blocks.extend(head.blocks)
    learner.golden.extend(head.golden)
    return _restore_versions(learner, head, parts) or learner


def _restore_versions(
    learner: ValueLearner, head: _Head, parts: Mapping[str, bytes]
) -> Unusable | None:
    found: dict[str, ValueVersion] = {}
    for name, part in ((head.champion, CHAMPION), (head.previous, PREVIOUS)):
        if not name or name in found:
            continue
        content = parts.get(part, b"")
        scorer = load_scorer(content, learner.rules.value)
        if isinstance(scorer, Unusable):
            return Unusable(f"{part} version: {scorer.reason}")
        found[name] = ValueVersion(name, content, scorer)
    learner.champion, learner.previous = found.get(head.champion), found.get(head.previous)
    return None
