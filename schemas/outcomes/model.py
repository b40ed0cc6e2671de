"""Versions of models, and their contents."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome


class ModelVersion(Outcome, frozen=True, kw_only=True, gc=False):
    """A change in the life of a model version. The change with the highest number shows how the
    model stands now."""

    change_id: str
    """Id of the change: model:number."""
    model: str
    """Model: target, target/rates, target/challenger, value or credit."""
    number: int
    """Number of the change, from 1 for each model; the highest shows how the model stands now."""
    version: str
    """Version that the change is about; empty: the model as a whole."""
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
    """What happened: published, kept, refused, promoted, lead, rolled_back, suspended, resumed,
    withdrawn, learned_again, quarantined or ignored."""
    live_version: str
    """Version that scores from here on; empty: none, a lower tier answers."""
    is_held: bool
    """Whether an operator holds the model, so that new versions do not go live by themselves."""
    contestant: str
    """Learner whose weights these are: main (the champion) or the name of a challenger; empty when
    the change is not about weights."""
    parent: str
    """Version that was published before this one."""
    reason: str
    """Why it happened."""
    figures: dict[str, float]
    """Evidence by name; losses are in nats per row."""
    learned_offset: int
    """Offset on the examples topic; the version has learned nothing at or after it."""
    learned_at: int
    """Log time of the latest example it has learned."""
    command_id: str
    """Command that caused the change; empty when none did."""


class ModelContent(Outcome, frozen=True, kw_only=True, gc=False):
    """A part of a model as it scores. Joined in order, the parts of a version are one LZ4 frame."""

    content_id: str
    """Id of the part: version:chunk."""
    model: str
    """Model that the version belongs to."""
    version: str
    """Version of the model."""
    chunk: int
    """Number of this part, from 0."""
    chunks: int
    """Number of parts."""
    content: str
    """Content in base64; all parts together are compressed by LZ4."""
