"""Versions of models, and their contents."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class ModelVersion(Outcome, frozen=True, kw_only=True, gc=False):
    """Something that became of a version of a model: the highest number of a model is how it is."""

    change_id: str  # model:number
    model: str  # target, target/rates, target/challenger, value or credit
    number: int  # of the changes of this model, from 1
    version: str  # it is about; "" the model as a whole
    state: Literal[
        "published",
        "kept",
        "refused",
        "promoted",
        "lead",
        "rolled_back",
        "suspended",
        "resumed",
        "withdrawn",
        "learned_again",
        "quarantined",
        "ignored",
    ]
    live_version: str  # scores from here on; "" none: a lower tier answers
    is_held: bool  # by hand: what the gate lets pass does not go live
    contestant: str  # whose weights these are
    parent: str  # published before it
    reason: str
    figures: dict[str, float]  # the evidence; losses in nats per row
    learned_offset: int  # of the examples; it learned from nothing at or behind it
    learned_at: int  # log time of the latest of them
    command_id: str  # of the order, when somebody ordered it


class ModelContent(Outcome, frozen=True, kw_only=True, gc=False):
    """A part of a model as it scores. The parts of a version, put together in order, are
    compressed by LZ4."""

    content_id: str  # version:chunk
    model: str
    version: str
    chunk: int  # from 0
    chunks: int
    content: str  # base64
