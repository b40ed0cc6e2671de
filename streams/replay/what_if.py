"""Compares two rule sets on the same files: one process for each, and nothing is stored."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from attribution.rules.rules import rule_set_id
from streams.errors import Stop, in_one_line
from streams.progress import Progress
from streams.replay.compare import (
    ChangeReason,
    Comparison,
    Placed,
    Side,
    changed,
    reason_of,
    side_of,
)
from streams.replay.engine import SourceOrder, in_time_order
from streams.replay.run import SourceReader, counted, survey
from streams.replay.tally import ConversionKey, tally
from streams.settings import Settings
from streams.wiring.parts import stage_rules

_LOOK_SECONDS = 1.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The comparison of two rule sets, and the run that made it."""

    comparison: Comparison
    events: int
    evictions: int  # of both sides: then the order of arrival may have decided some
    seconds: float
    unreadable_lines: int = 0  # lines of the files that are no records

    def as_json(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events / self.seconds),
            "evictions": self.evictions,
            "unreadable_lines": self.unreadable_lines,
        } | self.comparison.as_json()


@dataclass(frozen=True, slots=True)
class _Request:
    """What one process replays."""

    files: Sequence[Path]
    order: SourceOrder
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Answer:
    side: Side
    evictions: int


def what_if(
    files: Sequence[Path], in_force: Settings, other: Settings, advance: Progress
) -> WhatIf:
    """Compare the rules of two settings on the events of `files`. Nothing is stored.

    Stop: a rule file or one of the files cannot be used.
    """
    began = time.monotonic()
    both = in_force, other
    for settings in both:
        stage_rules(settings)
    reader = SourceReader(files, in_force.kafka.topic_prefix)
    order = survey(reader.read(), lambda done: advance("read", done, 0))
    if not order.records:
        first = reader.unreadable.examples[:1]
        raise Stop("; ".join(["the files have no records: nothing to compare", *first]))
    with _processes([_Request(files, order, settings) for settings in both]) as pipes:
        answers = _answers(pipes, order.records, advance)
        before, after = (answer.side for answer in answers)
        common = before.credits.keys() & after.credits.keys()
        moved = [name for name in changed(before, after) if name in common]
        reasons = _reasons(pipes, moved, before, after)
    return WhatIf(
        Comparison(before, after, reasons),
        order.records - order.ticks,
        sum(answer.evictions for answer in answers),
        time.monotonic() - began,
        reader.unreadable.count,
    )


def _reasons(
    pipes: Sequence[Connection], moved: list[ConversionKey], in_force: Side, other: Side
) -> Counter[ChangeReason]:
    for pipe in pipes:
        pipe.send(moved)
    old, new = (_received(pipe) for pipe in pipes)
    return Counter(
        reason_of(in_force.credits[name], other.credits[name], before, after)
        for name, before, after in zip(moved, old, new, strict=True)
        if in_force.credits[name].conversion_type != "reengagement"
    )


@contextmanager
def _processes(requests: Sequence[_Request]) -> Iterator[list[Connection]]:
    """One process for each request, and a pipe to it. All end with the block."""
    context = multiprocessing.get_context("spawn")
    started: list[SpawnProcess] = []
    pipes: list[Connection] = []
    try:
        for request in requests:
            ours, theirs = context.Pipe()
            process = context.Process(target=_answer, args=(theirs, request), daemon=True)
            process.start()
            theirs.close()
            started.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in started:
            process.join(_STOP_SECONDS)
            process.kill()


def _answers(pipes: Sequence[Connection], records: int, advance: Progress) -> list[_Answer]:
    done = dict.fromkeys(pipes, 0)
    answers: dict[Connection, _Answer] = {}
    while len(answers) < len(pipes):
        open_pipes = [pipe for pipe in pipes if pipe not in answers]
        for pipe in wait(open_pipes, _LOOK_SECONDS):
            assert isinstance(pipe, Connection)
            message = _received(pipe)
            if isinstance(message, _Answer):
                answers[pipe] = message
            else:
                done[pipe] = message
        advance("decide under both rule sets", sum(done.values()), len(pipes) * records)
    return [answers[pipe] for pipe in pipes]


def _received(pipe: Connection) -> Any:
    """The next message of a process: records done, or its answer. Raises an error it sends."""
    try:
        message = pipe.recv()
    except EOFError:
        raise Stop("a process of the comparison ended before its answer: out of memory?") from None
    if isinstance(message, Exception):
        raise message
    return message


# --- in the process of one rule set -------------------------------------------------------------


def _answer(pipe: Connection, request: _Request) -> None:
    """Send the records done, then the answer; receive ids, and send the receipts of those."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    try:
        rules = stage_rules(request.settings)
        reader = SourceReader(request.files, request.settings.kafka.topic_prefix)
        by_time, order = in_time_order(reader.read(), request.order)
        records = counted(by_time, order.records, _reporter(pipe), "decide")
        found = tally(records, order, rules, Placed)
        side = side_of(found, rule_set_id(rules.attribution))
        pipe.send(_Answer(side, found.evictions))
        pipe.send([found.conversions[name].candidates for name in pipe.recv()])
    except (EOFError, BrokenPipeError):
        return  # The process that started this one has ended.
    except Exception as error:
        pipe.send(Stop(in_one_line(error)))


def _reporter(pipe: Connection) -> Progress:
    def advance(step: str, done: int, total: int) -> None:
        pipe.send(done)

    return advance
