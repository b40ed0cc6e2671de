"""The whole learner of a target as named parts, so that it goes on bit for bit where it was.

Parts are plain arrays in the envelope of `learning.snapshots`. A version that was published
never changes again, so its part is written once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct, msgpack

from online_models.drift.watch import dump_drift, load_drift
from online_models.hazard.checkpoint import dump_model, load_model, load_scorer
from online_models.hazard.kernel import Kernel
from online_models.hazard.packed import PackedAsk
from online_models.learning.evidence import BlockSums
from online_models.learning.rules import Counts, LearnerRules
from online_models.learning.snapshots import Unusable, seal, unseal
from online_models.learning.target_learner import Learner, Version
from online_models.learning.verdicts import Publication
from online_models.scoring.shrunk_rates import dump_rates, load_rates
from schemas.records import Example

HEAD, RATES, CHAMPION, PREVIOUS = "head", "rates", "champion", "previous"
DRIFT = "drift"
_SCHEMA = "learner/2"


class _Head(Struct, frozen=True, array_like=True):
    target: str
    counts: Counts
    names: list[str]  # of contestants
    leader: int
    base: bytes  # float64
    pending: list[Example]
    blocks: list[BlockSums]
    golden: list[PackedAsk]
    champion: str  # name; "": none
    previous: str
    beside: list[tuple[str, str, str]]  # model, version and contestant


_encoder = msgpack.Encoder()
_heads = msgpack.Decoder(_Head)


def dump_learner(learner: Learner) -> dict[str, bytes]:
    """Parts by name."""
    champion, previous = learner.champion, learner.previous
    head = _Head(
        target=learner.target,
        counts=learner.counts,
        names=learner.names,
        leader=learner.leader,
        base=learner.base.astype("<f8", copy=False).tobytes(),
        pending=learner.pending,
        blocks=list(learner.blocks),
        golden=list(learner.golden),
        champion=champion.name if champion else "",
        previous=previous.name if previous else "",
        beside=[(one.model, one.version, one.contestant) for one in learner.beside],
    )
    parts = {
        HEAD: seal(_SCHEMA, _encoder.encode(head))[0],
        RATES: dump_rates(learner.rates),
        DRIFT: dump_drift(learner.drift),
    }
    for name, model in zip(learner.names, learner.models, strict=True):
        parts[_part_of(name)] = dump_model(model)
    for number, one in enumerate(learner.beside):
        parts[_beside_part(number)] = one.content
    if champion:
        parts[CHAMPION] = champion.content
    if previous and previous is not champion:
        parts[PREVIOUS] = previous.content
    return parts


def load_learner(
    target: str, parts: Mapping[str, bytes], rules: LearnerRules, kernel: Kernel | None = None
) -> Learner | Unusable:
    """The learner in `parts`, going on under `rules`. A contestant that is new begins with
    nothing, and one that is no longer among them is left out."""
    head = _head_of(target, parts, rules)
    if isinstance(head, Unusable):
        return head
    learner = Learner(target, rules, kernel)
    learner.counts, learner.pending = head.counts, head.pending
    learner.golden.extend(head.golden)
    learner.base = np.frombuffer(head.base, "<f8").reshape(-1, 2).copy()
    if head.names == learner.names:
        learner.blocks.extend(head.blocks)
    if head.names[head.leader] in learner.names:
        learner.leader = learner.names.index(head.names[head.leader])
    return (
        _restore_models(learner, head, parts, kernel)
        or _restore_versions(learner, head, parts, kernel)
        or learner
    )


def _head_of(target: str, parts: Mapping[str, bytes], rules: LearnerRules) -> _Head | Unusable:
    opened = unseal(_SCHEMA, parts.get(HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    try:
        head = _heads.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"head is not that of a learner: {error}")
    if head.target != target:
        return Unusable(f"it is of target {head.target[:64]!r}, expected {target!r}")
    if not 0 <= head.leader < len(head.names):
        return Unusable("the contestant that leads is not among them")
    if len(head.base) != 16 * rules.hazard.shape.bins:
        return Unusable("bins are others than those of the target")
    return head


def _restore_models(
    learner: Learner, head: _Head, parts: Mapping[str, bytes], kernel: Kernel | None
) -> Unusable | None:
    rates = load_rates(parts.get(RATES, b""), learner.rules.of_rates())
    if isinstance(rates, Unusable):
        return Unusable(f"rates: {rates.reason}")
    learner.rates = rates
    drift = load_drift(parts.get(DRIFT, b""), learner.rules.drift)
    if isinstance(drift, Unusable):
        return Unusable(f"drift: {drift.reason}")
    learner.drift = drift
    for number, (name, rules) in enumerate(learner.rules.of_contestants()):
        if name not in head.names:
            continue
        model = load_model(parts.get(_part_of(name), b""), rules, kernel)
        if isinstance(model, Unusable):
            return Unusable(f"contestant {name}: {model.reason}")
        learner.models[number] = model
    return None


def _restore_versions(
    learner: Learner, head: _Head, parts: Mapping[str, bytes], kernel: Kernel | None
) -> Unusable | None:
    found: dict[str, Version] = {}
    for name, part in ((head.champion, CHAMPION), (head.previous, PREVIOUS)):
        if not name or name in found:
            continue
        content = parts.get(part, b"")
        scorer = load_scorer(content, learner.rules.hazard, kernel=kernel)
        if isinstance(scorer, Unusable):
            return Unusable(f"{part} version: {scorer.reason}")
        found[name] = Version(name, content, scorer)
    learner.champion, learner.previous = found.get(head.champion), found.get(head.previous)
    return _restore_beside(learner, head, parts)


def _restore_beside(learner: Learner, head: _Head, parts: Mapping[str, bytes]) -> Unusable | None:
    rules = learner.rules
    for number, (model, version, contestant) in enumerate(head.beside):
        content = parts.get(_beside_part(number), b"")
        is_rates = model == learner.rates_model
        read = (
            load_rates(content, rules.of_rates())
            if is_rates
            else load_scorer(content, rules.hazard)
        )
        if isinstance(read, Unusable):
            return Unusable(f"{model}: {read.reason}")
        learner.beside.append(Publication(model, version, content, contestant))
    return None


def _beside_part(number: int) -> str:
    return f"beside/{number}"


def _part_of(contestant: str) -> str:
    return f"model/{contestant}"
