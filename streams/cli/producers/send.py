"""`headwater send`: publish events that are valid."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from streams.cli.output import answer_json, answer_text, json_option, say, settings_for
from streams.errors import Stop
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.operations.send import SendQueue
    from streams.operations.validation import VerdictTally

REFUSED_SHOWN = 20
"""Faulty events that are explained before a refusal; `headwater validate` explains all."""


@click.command("send")
@click.argument("file", metavar="FILE|-")
@click.option(
    "--skip-bad", is_flag=True, help="Publish the valid events, and leave out the others."
)
@click.option("--dry-run", is_flag=True, help="Publish nothing: say what would be published.")
@json_option
def send_command(file: str, skip_bad: bool, dry_run: bool, as_json: bool) -> int:
    """Publish events to the topics of their types, if all of them are valid.

    FILE is read as by `headwater validate`. If one event would be a dead letter, nothing is
    published, unless --skip-bad is given. Keys are those that schemas/README.md documents, and
    partitions those that Kafka's own producers choose. Events that were sent before do not count
    twice: they are known by their ids. Records of a dump keep their key, partition and time.

    The exit code is 0 if every event is published, and 1 if one was refused.

    \b
    Example:
      headwater send events.jsonl --dry-run
      HEADWATER_KAFKA=kafka-1:9092 headwater send events.jsonl
    """
    from streams.operations.send import SendQueue, publish_queue

    settings = settings_for(None)
    with SendQueue() as queue:
        tally = _fill(queue, settings, file)
        if not tally.total:
            raise Stop("no event found: the input is empty")
        if tally.refused and not skip_bad:
            raise Stop(
                f"nothing is published: {tally.refused:,} of {tally.total:,} events would be dead "
                f"letters. Mend them (`headwater validate {file}` explains all), or publish the "
                "others with --skip-bad"
            )
        published = 0 if dry_run or not tally.fine else publish_queue(settings, queue)
        topics = dict(sorted(queue.topics.items()))
    if as_json:
        answer = {"published": published, "topics": topics, "refused": tally.refused}
        answer_json({**answer, "repeated": tally.repeated, "dry_run": dry_run})
        return 1 if tally.refused else 0
    verb = "would be published" if dry_run else "published"
    counts = ", ".join(f"{count:,} to {topic}" for topic, count in topics.items())
    answer_text(f"{verb}: {counts or 'none'}")
    if tally.refused:
        answer_text(f"left out, because they would be dead letters: {tally.refused:,}")
    if tally.repeated:
        answer_text(f"repeat an event_id, and count once: {tally.repeated:,}")
    return 1 if tally.refused else 0


def _fill(queue: SendQueue, settings: Settings, file: str) -> VerdictTally:
    """Queue the valid events of a file, and explain the first of the others on stderr."""
    from streams.operations.validation import Judge, Submissions, VerdictTally, VerdictText

    now = time.time_ns() // 1_000_000
    source = Submissions(file, topic="", topic_prefix=settings.kafka.topic_prefix, now=now)
    judge = Judge(settings.rules.earliest_event_time, settings.rules.placeholder_ids or ())
    tally, text = VerdictTally(), VerdictText(shows_all=False)
    for submitted, record in source:
        verdict, event = judge.judge(submitted)
        tally.add(verdict, event)
        if event is not None:
            queue.add(verdict.topic, record, event)
        elif tally.refused <= REFUSED_SHOWN:
            for line in text.lines(verdict):
                say(line)
    return tally
