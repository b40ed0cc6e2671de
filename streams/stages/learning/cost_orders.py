"""Orders that suspend challengers whose rows cost too much.

What a row costs is measured by a clock, which must not decide what is learned: a log that is read
again would give other models. So the learning stage writes an order into its own log, and obeys
when it reads it there, like everybody who reads that log later.
"""

from __future__ import annotations

from collections.abc import Iterable

from online_models.challengers.river_challenger import RiverChallenger
from schemas import topics
from schemas.records import CommandKind, ExampleFrame, ModelCommand, frame_encoder
from schemas.time import LogMs, WallMs
from streams.stages.contract import Effects, Message, TopicPartition


class CostOrders:
    """Collects orders until they are taken with a checkpoint. One that a crash undid is given
    again, once enough rows were timed again."""

    def __init__(self) -> None:
        self._ordered: set[str] = set()  # models
        self._effects = Effects()
        self.is_urgent = False

    def order(self, too_slow: Iterable[tuple[RiverChallenger, float]], now: LogMs) -> None:
        """Have these suspended; the numbers are microseconds per row."""
        for challenger, cost in too_slow:
            model, allowed = challenger.model, challenger.declared.row_microseconds
            if model in self._ordered:
                continue
            self._ordered.add(model)
            self.is_urgent = True
            command = ModelCommand(
                command_id=f"cost:{model}:{challenger.rows}",
                kind=CommandKind.SUSPEND,
                model=model,
                ordered_at=WallMs(now),
                reason=f"a row cost {cost:.0f} microseconds, allowed are {allowed}",
            )
            frame = frame_encoder.encode(ExampleFrame({}, [command]))
            self._effects.send(topics.EXAMPLES.name, 0, Message(None, frame))

    def forget(self, model: str) -> None:
        """It begins again, and is timed again."""
        self._ordered.discard(model)

    def taken(self) -> dict[TopicPartition, list[Message]]:
        """The orders collected since the last call."""
        messages, self._effects = self._effects.messages, Effects()
        self.is_urgent = False
        return messages
