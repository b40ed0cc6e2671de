"""The verdicts of a file, counted, and what to say at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from schemas.events import InputEvent
from streams.operations.validation.verdict import EventVerdict

LINES_NAMED = 5
"""Lines that the summary names of each kind of fault."""
REPEATS_MAX = 1_000_000
"""Event ids that are remembered to tell repeats: later ones are not looked for."""


class VerdictTally:
    """Counts verdicts by type, topic and reason, and finds event ids that come twice."""

    def __init__(self) -> None:
        self.fine = 0
        self.refused = 0
        self.cautioned = 0
        self.repeated = 0
        self.types: Counter[tuple[str, str, bool]] = Counter()
        self.reasons: dict[str, list[int]] = {}
        self._counts: Counter[str] = Counter()
        self._lines: dict[int, int] = {}

    def add(self, verdict: EventVerdict, event: InputEvent | None) -> str:
        """Count a verdict; a caution when its event id was there before, or nothing."""
        self.types[verdict.type, verdict.topic, verdict.ok] += 1
        if not verdict.ok:
            self.refused += 1
            self._counts[verdict.reason] += 1
            lines = self.reasons.setdefault(verdict.reason, [])
            if len(lines) < LINES_NAMED:
                lines.append(verdict.line)
            return ""
        self.fine += 1
        repeat = self._repeat(verdict, getattr(event, "touch_type", ""))
        self.cautioned += bool(verdict.warnings or repeat)
        return repeat

    def _repeat(self, verdict: EventVerdict, touch_type: str) -> str:
        """A view and a click may have the same event id: ad requests name both by one."""
        key = hash((verdict.type, touch_type, verdict.app_id, verdict.event_id))
        before = self._lines.get(key)
        if before is None:
            if len(self._lines) < REPEATS_MAX:
                self._lines[key] = verdict.line
            return ""
        self.repeated += 1
        return f"the same event_id as line {before}: it counts as a duplicate, and only once"

    @property
    def total(self) -> int:
        return self.fine + self.refused

    def lines(self) -> Iterator[str]:
        """The summary."""
        if not self.total:
            yield "no event found: the input is empty"
            return
        cautioned = f", {self.cautioned:,} of them with a warning" if self.cautioned else ""
        refused = (
            f"{self.refused:,} would be dead letters" if self.refused else "none would be refused"
        )
        events = "event" if self.total == 1 else "events"
        yield f"{self.total:,} {events}: {self.fine:,} fine{cautioned}; {refused}"
        for kind, topic in sorted({(kind, topic) for kind, topic, _ in self.types}):
            fine, bad = self.types[kind, topic, True], self.types[kind, topic, False]
            counts = [f"{fine:,} fine"] * bool(fine) + [f"{bad:,} refused"] * bool(bad)
            yield f"  {kind or 'unknown type'} for {topic or 'no topic'}: {', '.join(counts)}"
        for reason, count in self._counts.most_common():
            lines = self.reasons[reason]
            more = " …" if count > len(lines) else ""
            named = ", ".join(map(str, lines))
            yield f"  {reason}: {count:,} (line{'s' if count > 1 else ''} {named}{more})"
