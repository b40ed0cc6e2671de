"""The whole credit learner as named parts, so that it goes on bit for bit where it was.

A closed block of the window never changes again, so its part is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from online_models.credit.gates import CreditTrial
from online_models.credit.persistence import (
    CREDIT,
    dump_credit_model,
    load_credit_model,
)
from online_models.credit.window import ChannelCodes, PathWindow, WindowBlock
from online_models.persistence.arrays import pack_numbers, unpack_numbers
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout

if TYPE_CHECKING:  # It calls these functions.
    from online_models.credit.learner import CreditLearner

CREDIT_HEAD = "head"
OPEN_BLOCK = "open"
"""Names of parts; those of closed blocks are numbered."""


class PathsSeen(Struct):
    """Paths since the beginning of the log."""

    seen: int = 0
    installed: int = 0
    skipped: int = 0
    tried_at: int = 0  # `seen` when a version was tried last


class _Head(Struct, frozen=True, array_like=True):
    counts: PathsSeen
    names: ChannelCodes
    rates: dict[int, tuple[float, float]]
    trials: bytes  # five numbers of each
    fitted: bytes  # b"": not yet
    champion: bytes  # b"": none
    closed: list[int]  # numbers of blocks, oldest first


_HEAD = Layout(f"{CREDIT}/learner/1", _Head, "the head of a credit learner")
_BLOCK = Layout(f"{CREDIT}/block/1", WindowBlock, "a block")


def dump_credit_learner(learner: CreditLearner, known: Mapping[str, bytes]) -> dict[str, bytes]:
    """Parts by name. `known` are those of an earlier dump of the same learner."""
    *closed, opened = learner.window.blocks
    fitted = learner.fitted
    head = _Head(
        counts=learner.counts,
        names=learner.window.names,
        rates=learner.rates,
        trials=pack_numbers(float(number) for trial in learner.trials for number in trial),
        fitted=b"" if fitted is None else dump_credit_model(0, fitted, {}).content,
        champion=learner.champion_content,
        closed=[block.number for block in closed],
    )
    parts = {CREDIT_HEAD: _HEAD.dump(head).content, OPEN_BLOCK: _BLOCK.dump(opened).content}
    for block in closed:
        name = _block_name(block.number)
        parts[name] = known.get(name) or _BLOCK.dump(block).content
    return parts


def fill_credit_learner(learner: CreditLearner, parts: Mapping[str, bytes]) -> Unusable | None:
    """Let a new learner go on from these parts."""
    opened = _HEAD.load(parts.get(CREDIT_HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    head = opened.body
    blocks = _load_blocks(parts, head)
    if isinstance(blocks, Unusable):
        return blocks
    learner.window = PathWindow(head.names, blocks)
    learner.counts, learner.rates = head.counts, head.rates
    return _fill_trials(learner, head) or _fill_versions(learner, head)


def _fill_trials(learner: CreditLearner, head: _Head) -> Unusable | None:
    trials = unpack_numbers(head.trials)
    if trials is None or len(trials) % 5:
        return Unusable("five numbers for every trial expected")
    for at in range(0, len(trials), 5):
        learner.trials.append(CreditTrial(bool(trials[at]), *trials[at + 1 : at + 5]))
    return None


def _fill_versions(learner: CreditLearner, head: _Head) -> Unusable | None:
    if head.fitted:
        fitted = load_credit_model(head.fitted)
        if isinstance(fitted, Unusable):
            return Unusable(f"last fit inside is unusable: {fitted.reason}")
        learner.fitted = fitted.hazard
    if head.champion:
        champion = load_credit_model(head.champion)
        if isinstance(champion, Unusable):
            return Unusable(f"live version inside is unusable: {champion.reason}")
        learner.champion, learner.champion_content = champion, head.champion
    return None


def _load_blocks(parts: Mapping[str, bytes], head: _Head) -> list[WindowBlock] | Unusable:
    blocks = []
    for name in (*map(_block_name, head.closed), OPEN_BLOCK):
        opened = _BLOCK.load(parts.get(name, b""))
        if isinstance(opened, Unusable):
            return Unusable(f"part {name}: {opened.reason}")
        blocks.append(opened.body)
    return blocks


def _block_name(number: int) -> str:
    return f"block/{number:08d}"
