"""`headwater validate`: what would become of events, before they are published."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
import orjson
from msgspec import to_builtins
from msgspec.structs import replace

from streams.cli.output import answer_text, json_option, say, settings_for

if TYPE_CHECKING:
    from streams.operations.validation import Submissions

FOUND_FAULT_EXIT = 1


@click.command("validate")
@click.argument("file", metavar="[FILE|-]", default="-")
@click.option(
    "--topic",
    default="",
    help="Topic that the events are published to. Default: that of their type. Example: payments",
)
@click.option("--strict", is_flag=True, help="Exit with 1 on a warning, too.")
@click.option("--all", "shows_all", is_flag=True, help="Show every event, also those alike.")
@json_option
def validate_command(file: str, topic: str, strict: bool, shows_all: bool, as_json: bool) -> int:
    """Check events before you publish them, and say how to mend them.

    FILE holds events as JSON: one a line, one over several lines, an array, or a dump of topics as
    `kcat -C -J` prints it; also compressed. `-`, or no FILE, reads standard input, so that an event
    can be pasted. Nothing is published, and no broker or store is needed.

    For each event: its type and topic, what is wrong with it, how to mend it, and what is valid but
    probably not meant. --json prints one object a line: line, type, topic, ok, reason, detail,
    advice, event_id, app_id, warnings, suggestion.

    The exit code is 0 if every event would count, and 1 if one would be a dead letter, if there is
    none, or if FILE cannot be read.

    \b
    Example:
      headwater validate events.jsonl
      kcat -C -b kafka:9092 -t payments -J -e | headwater validate -
    """
    from streams.operations.validation import Judge, Submissions, VerdictTally, VerdictText

    settings = settings_for(None)
    if file == "-" and sys.stdin.isatty():
        say("paste events, then press Ctrl-D")
    submissions = Submissions(
        file,
        topic=topic,
        topic_prefix=settings.kafka.topic_prefix,
        now=time.time_ns() // 1_000_000,
    )
    judge = Judge(settings.rules.earliest_event_time, settings.rules.placeholder_ids or ())
    tally, text = VerdictTally(), VerdictText(shows_all=shows_all)
    for submitted, _ in submissions:
        verdict, event = judge.judge(submitted)
        if repeat := tally.add(verdict, event):
            verdict = replace(verdict, warnings=(*verdict.warnings, repeat))
        if as_json:
            click.echo(orjson.dumps(to_builtins(verdict)).decode())
        else:
            for line in text.lines(verdict):
                answer_text(line)
    _summary(submissions, tally.lines(), text.hidden, as_json=as_json)
    has_fault = tally.refused or not tally.total or (strict and tally.cautioned)
    return FOUND_FAULT_EXIT if has_fault else 0


def _summary(submissions: Submissions, lines: Iterable[str], hidden: int, *, as_json: bool) -> None:
    """The totals: after the events, or on stderr where stdout holds JSON alone."""
    show = say if as_json else answer_text
    if hidden:
        show(f"({hidden:,} more like these are not shown; --all shows them)")
    for note in submissions.notes:
        show(f"note: {note}")
    for line in lines:
        show(line)
