"""Learners of examples as named parts, so that they go on bit for bit where they were.

A version that was published never changes again, so its part is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from msgspec import Struct

from online_models.drift.watch import dump_drift, load_drift
from online_models.hazard.packed import PackedAsk
from online_models.hazard.persistence import (
    dump_hazard_model,
    load_hazard_model,
    load_hazard_scorer,
)
from online_models.learning.evidence import BlockSums, ValueSums
from online_models.learning.learner import Version
from online_models.learning.rules import Counts
from online_models.learning.verdicts import Publication
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from online_models.scoring.shrunk_rates import dump_rates, load_rates
from online_models.value.persistence import dump_value_model, load_value_model, load_value_scorer
from online_models.value.scorer import ValueAsk as ValueAsk
from schemas.records import Example

if TYPE_CHECKING:  # They call these functions.
    from online_models.learning.example_learner import ExampleLearner
    from online_models.learning.target_learner import TargetLearner
    from online_models.learning.value_learner import ValueLearner

HEAD, MODEL, RATES, DRIFT = "head", "model", "rates", "drift"
CHAMPION, PREVIOUS = "champion", "previous"
"""Names of parts."""

_Scorer = TypeVar("_Scorer")


class _TargetHead(Struct, frozen=True, array_like=True):
    target: str
    counts: Counts
    names: list[str]  # of challengers
    champion_model: int
    base: bytes  # float64
    pending: list[Example]
    blocks: list[BlockSums]
    shift_check: list[PackedAsk]
    champion: str  # name; "": none
    previous: str
    beside: list[tuple[str, str, str]]  # model, version and challenger


class _ValueHead(Struct, frozen=True, array_like=True):
    counts: Counts
    means: bytes  # float64
    pending: list[Example]
    blocks: list[ValueSums]
    shift_check: list[ValueAsk]
    champion: str  # name; "": none
    previous: str


TARGET_HEAD = Layout("learner/2", _TargetHead, "the head of a learner of a target")
VALUE_HEAD = Layout("value/learner/1", _ValueHead, "the head of a learner of value")


def dump_target_learner(learner: TargetLearner) -> dict[str, bytes]:
    head = _TargetHead(
        target=learner.target,
        counts=learner.counts,
        names=learner.names,
        champion_model=learner.champion_model,
        base=learner.base.astype("<f8", copy=False).tobytes(),
        pending=learner.pending,
        blocks=list(learner.blocks),
        shift_check=list(learner.shift_check),
        champion=_name_of(learner.champion),
        previous=_name_of(learner.previous),
        beside=[(one.model, one.version, one.challenger) for one in learner.beside],
    )
    parts = {
        HEAD: TARGET_HEAD.dump(head).content,
        RATES: dump_rates(learner.rates),
        DRIFT: dump_drift(learner.drift),
    }
    for name, model in zip(learner.names, learner.models, strict=True):
        parts[_part_of(name)] = dump_hazard_model(model)
    for number, publication in enumerate(learner.beside):
        parts[_beside_part(number)] = publication.content
    return parts | _dump_versions(learner)


def fill_target_learner(learner: TargetLearner, parts: Mapping[str, bytes]) -> Unusable | None:
    """Let a new learner go on from these parts. A challenger that is not in them begins with
    nothing, and one that is no longer declared is left out."""
    opened = TARGET_HEAD.load(parts.get(HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    head = opened.body
    if head.target != learner.target:
        return Unusable(f"it is of target {head.target[:64]!r}, expected {learner.target!r}")
    if not 0 <= head.champion_model < len(head.names):
        return Unusable("the challenger that leads is not among them")
    if len(head.base) != learner.base.nbytes:
        return Unusable("bins are others than those of the target")
    learner.counts, learner.pending = head.counts, head.pending
    learner.shift_check.extend(head.shift_check)
    learner.base = np.frombuffer(head.base, "<f8").reshape(-1, 2).copy()
    if head.names == learner.names:
        learner.blocks.extend(head.blocks)
    if head.names[head.champion_model] in learner.names:
        learner.champion_model = learner.names.index(head.names[head.champion_model])
    return (
        _fill_models(learner, head, parts)
        or _fill_versions(
            learner,
            (head.champion, head.previous),
            parts,
            lambda content: load_hazard_scorer(content, learner.rules.hazard, learner.kernel),
        )
        or _fill_beside(learner, head, parts)
    )


def dump_value_learner(learner: ValueLearner) -> dict[str, bytes]:
    head = _ValueHead(
        counts=learner.counts,
        means=learner.means.astype("<f8", copy=False).tobytes(),
        pending=learner.pending,
        blocks=list(learner.blocks),
        shift_check=list(learner.shift_check),
        champion=_name_of(learner.champion),
        previous=_name_of(learner.previous),
    )
    parts = {HEAD: VALUE_HEAD.dump(head).content, MODEL: dump_value_model(learner.model)}
    return parts | _dump_versions(learner)


def fill_value_learner(learner: ValueLearner, parts: Mapping[str, bytes]) -> Unusable | None:
    """Let a new learner go on from these parts."""
    opened = VALUE_HEAD.load(parts.get(HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    head, rules = opened.body, learner.rules.value
    if len(head.means) != learner.means.nbytes:
        return Unusable("landmarks or buckets are others than those of value")
    model = load_value_model(parts.get(MODEL, b""), rules, learner.kernel)
    if isinstance(model, Unusable):
        return Unusable(f"model: {model.reason}")
    learner.estimator.model = model
    learner.counts, learner.pending = head.counts, head.pending
    learner.means = np.frombuffer(head.means, "<f8").reshape(learner.means.shape).copy()
    learner.blocks.extend(head.blocks)
    learner.shift_check.extend(head.shift_check)
    return _fill_versions(
        learner,
        (head.champion, head.previous),
        parts,
        lambda content: load_value_scorer(content, rules),
    )


def _name_of(version: Version[_Scorer] | None) -> str:
    return version.name if version else ""


def _dump_versions(learner: ExampleLearner[_Scorer]) -> dict[str, bytes]:
    champion, previous = learner.champion, learner.previous
    parts = {}
    if champion:
        parts[CHAMPION] = champion.content
    if previous and previous is not champion:
        parts[PREVIOUS] = previous.content
    return parts


def _fill_versions(
    learner: ExampleLearner[_Scorer],
    names: tuple[str, str],
    parts: Mapping[str, bytes],
    load: Callable[[bytes], _Scorer | Unusable],
) -> Unusable | None:
    found: dict[str, Version[_Scorer]] = {}
    for name, part in zip(names, (CHAMPION, PREVIOUS), strict=True):
        if not name or name in found:
            continue
        content = parts.get(part, b"")
        scorer = load(content)
        if isinstance(scorer, Unusable):
            return Unusable(f"{part} version: {scorer.reason}")
        found[name] = Version(name, content, scorer)
    learner.champion, learner.previous = (found.get(name) for name in names)
    return None


def _fill_models(
    learner: TargetLearner, head: _TargetHead, parts: Mapping[str, bytes]
) -> Unusable | None:
    rates = load_rates(parts.get(RATES, b""), learner.rules.of_rates())
    if isinstance(rates, Unusable):
        return Unusable(f"rates: {rates.reason}")
    learner.rates = rates
    drift = load_drift(parts.get(DRIFT, b""), learner.rules.drift)
    if isinstance(drift, Unusable):
        return Unusable(f"drift: {drift.reason}")
    learner.drift = drift
    for number, (name, rules) in enumerate(learner.rules.with_challengers()):
        if name not in head.names:
            continue
        model = load_hazard_model(parts.get(_part_of(name), b""), rules, learner.kernel)
        if isinstance(model, Unusable):
            return Unusable(f"challenger {name}: {model.reason}")
        learner.models[number] = model
    return None


def _fill_beside(
    learner: TargetLearner, head: _TargetHead, parts: Mapping[str, bytes]
) -> Unusable | None:
    rules = learner.rules
    for number, (model, version, challenger) in enumerate(head.beside):
        content = parts.get(_beside_part(number), b"")
        is_rates = model == learner.rates_model
        read = (
            load_rates(content, rules.of_rates())
            if is_rates
            else load_hazard_scorer(content, rules.hazard)
        )
        if isinstance(read, Unusable):
            return Unusable(f"{model}: {read.reason}")
        learner.beside.append(Publication(model, version, content, challenger))
    return None


def _beside_part(number: int) -> str:
    return f"beside/{number}"


def _part_of(challenger: str) -> str:
    return f"{MODEL}/{challenger}"
