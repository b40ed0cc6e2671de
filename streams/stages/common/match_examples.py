"""What installs with ids teach the live pair model, on its way to the learning stage."""

from __future__ import annotations

from attribution.decision.known_match import match_example
from attribution.journey import Decision
from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import ExampleFrame, MatchExample
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox


class MatchExamples(FrameOutbox[MatchExample]):
    """Frames of their own, so that a build that does not know them loses no other example."""

    def __init__(self, observer: StageObserver) -> None:
        super().__init__(topics.EXAMPLES.name, 1, ExampleFrame)
        self._observer = observer

    def teach(self, decision: Decision, rules: Rules) -> None:
        """Add the example of an install that was decided by ids, if it is one."""
        case = decision.case
        if not case.install.traits:
            return  # The usual case, so it has to be cheap.
        found = match_example(decision.review.reviewed, case, decision.judgement, rules)
        if isinstance(found, MatchExample):
            self.add("", found)
        elif found is not None:
            self._observer.on_evicted(found.bound, found.count)
