"""A verdict in plain words, and which ones are worth showing on a screen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import orjson

from streams.operations.validation.verdict import EventVerdict

SHOWN_OF_A_KIND = 5
"""Verdicts of one kind that are shown: the summary counts the others."""
FINE_SHOWN = 10
"""Events without a remark that are shown."""


class VerdictText:
    """Lines for verdicts; of many alike only the first, unless `shows_all`."""

    def __init__(self, *, shows_all: bool) -> None:
        self._shows_all = shows_all
        self._kinds: Counter[tuple[str, str, str]] = Counter()
        self.hidden = 0

    def lines(self, verdict: EventVerdict) -> Iterator[str]:
        if not self._is_shown(verdict):
            self.hidden += 1
            return
        name = verdict.type or "unknown type"
        of = f" {verdict.event_id}" if verdict.event_id else ""
        to = f" for {verdict.topic}" if verdict.topic else ""
        if verdict.ok:
            yield f"line {verdict.line}: {name}{of}{to}: fine"
        else:
            yield f"line {verdict.line}: {name}{of}{to}: would be a dead letter, {verdict.reason}"
            yield f"    found: {verdict.detail}"
            for advice in verdict.advice.split("; "):
                yield f"    mend:  {advice}"
        for warning in verdict.warnings:
            yield f"    warning: {warning}"
        if verdict.suggestion is not None:
            yield f"    so:    {orjson.dumps(verdict.suggestion).decode()}"

    def _is_shown(self, verdict: EventVerdict) -> bool:
        kind = (verdict.type, verdict.reason, _shape(verdict))
        self._kinds[kind] += 1
        most = FINE_SHOWN if verdict.ok and not verdict.warnings else SHOWN_OF_A_KIND
        return self._shows_all or self._kinds[kind] <= most


def _shape(verdict: EventVerdict) -> str:
    """What is alike in the remarks on two events that have the same fault."""
    return re.sub(r"[\d'\"].*?(?=[\s;]|$)", "#", "; ".join((verdict.detail, *verdict.warnings)))
