"""The whole credit learner as named parts, so that it goes on bit for bit where it was.

A closed block of the window never changes again, so its part is written once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct, msgpack

from online_models.credit.gates import CreditTrial
from online_models.credit.learner import CreditLearner, CreditRules, PathsSeen, Weigh
from online_models.credit.snapshots import (
    CREDIT,
    Weights,
    dump_model,
    load_model,
)
from online_models.credit.window import Block, Names, Window
from online_models.learning.snapshots import Unusable, packed, seal, unpacked, unseal

HEAD = "head"
OPEN = "open"
HEAD_SCHEMA = f"{CREDIT}/learner/1"
BLOCK_SCHEMA = f"{CREDIT}/block/1"
_NO_WEIGHTS = Weights({}, {})


class _Head(Struct, frozen=True, array_like=True):
    counts: PathsSeen
    names: Names
    rates: dict[int, tuple[float, float]]
    trials: bytes  # five numbers of each
    fitted: bytes  # b"": not yet
    champion: bytes  # b"": none
    closed: list[int]  # numbers of blocks, oldest first


_encoder = msgpack.Encoder()
_heads = msgpack.Decoder(_Head)
_blocks = msgpack.Decoder(Block)


def dump_learner(learner: CreditLearner, known: Mapping[str, bytes]) -> dict[str, bytes]:
    """Parts by name. `known` are those of an earlier dump of the same learner."""
    *closed, opened = learner.window.blocks
    fitted = learner.fitted
    head = _Head(
        learner.counts,
        learner.window.names,
        learner.rates,
        packed(float(number) for trial in learner.trials for number in trial),
        b"" if fitted is None else dump_model(0, fitted, _NO_WEIGHTS).content,
        learner.champion_content,
        [block.number for block in closed],
    )
    parts = {HEAD: seal(HEAD_SCHEMA, _encoder.encode(head))[0], OPEN: _dump_block(opened)}
    for block in closed:
        name = _block_name(block.number)
        parts[name] = known.get(name) or _dump_block(block)
    return parts


def load_learner(
    parts: Mapping[str, bytes], rules: CreditRules, weigh: Weigh
) -> CreditLearner | Unusable:
    """The learner in `parts`, going on under `rules`."""
    learner = CreditLearner(rules, weigh)
    opened = unseal(HEAD_SCHEMA, parts.get(HEAD, b""))
    if isinstance(opened, Unusable):
        return opened
    try:
        head = _heads.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"head is not that of a credit learner: {error}")
    blocks = _load_blocks(parts, head)
    if isinstance(blocks, Unusable):
        return blocks
    learner.window = Window(head.names, blocks)
    learner.counts, learner.rates = head.counts, head.rates
    return _restore_versions(learner, head) or learner


def _restore_versions(learner: CreditLearner, head: _Head) -> Unusable | None:
    trials = unpacked(head.trials)
    if trials is None or len(trials) % 5:
        return Unusable("five numbers for every trial expected")
    for at in range(0, len(trials), 5):
        learner.trials.append(CreditTrial(bool(trials[at]), *trials[at + 1 : at + 5]))
    if head.fitted:
        fitted = load_model(head.fitted)
        if isinstance(fitted, Unusable):
            return Unusable(f"last fit inside is unusable: {fitted.reason}")
        learner.fitted = fitted.hazard
    if head.champion:
        champion = load_model(head.champion)
        if isinstance(champion, Unusable):
            return Unusable(f"live version inside is unusable: {champion.reason}")
        learner.champion, learner.champion_content = champion, head.champion
    return None


def _load_blocks(parts: Mapping[str, bytes], head: _Head) -> list[Block] | Unusable:
    blocks = []
    for name in (*map(_block_name, head.closed), OPEN):
        opened = unseal(BLOCK_SCHEMA, parts.get(name, b""))
        if isinstance(opened, Unusable):
            return Unusable(f"part {name}: {opened.reason}")
        try:
            blocks.append(_blocks.decode(opened.body))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Unusable(f"part {name} is not a block: {error}")
    return blocks


def _dump_block(block: Block) -> bytes:
    return seal(BLOCK_SCHEMA, _encoder.encode(block))[0]


def _block_name(number: int) -> str:
    return f"block/{number:08d}"
