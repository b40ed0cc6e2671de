"""Explains what became of an install, an event or a payment: all that is stored, and in words."""

from __future__ import annotations

from streams.operations.explain.explanation import (
    Explanation,
    explain_id,
    explain_in,
    explain_installs,
)
from streams.operations.explain.explanation_text import explanation_text

__all__ = ["Explanation", "explain_id", "explain_in", "explain_installs", "explanation_text"]
