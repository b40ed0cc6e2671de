"""`headwater simulate`: made-up traffic whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.output import answer_json, json_option, progress, say, seed_option, settings_for


@click.command()
@click.option(
    "--events",
    type=click.IntRange(1, 1_000_000_000),
    default=50_000,
    show_default=True,
    help="How many events.",
)
@seed_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the events (default: stdout).",
)
@click.option("--to-kafka", "is_kafka", is_flag=True, help="Publish to HEADWATER_KAFKA instead.")
@click.option("--pace", type=click.IntRange(1), help="Publish at most so many events a second.")
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for what is really true of every install.",
)
@click.option(
    "--postback-keys",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the keys of simulated postbacks; HEADWATER_POSTBACK_KEYS=FILE trusts them.",
)
@json_option
def simulate(events: int, seed: int, as_json: bool, **places: Any) -> None:
    """Write a month of realistic traffic as JSON lines, as `kcat -C -J` prints them.

    Several apps, channels and campaigns of different quality; late, repeated and malformed
    events; few installs that spend much. The truth file tells what attribution should find.

    \b
    Example:
      headwater simulate --events 10000 --seed 7 --out traffic.jsonl
      headwater replay traffic.jsonl
    """
    from streams.lab.simulator.destination import Destination, simulate_to

    destination = Destination(**places)
    # The events themselves go to stdout unless they have another place to go.
    has_place = destination.is_kafka or destination.out is not None
    if as_json and not has_place:
        raise click.UsageError("--json needs --out FILE or --to-kafka", click.get_current_context())
    with progress(is_quiet=as_json) as advance:
        written = simulate_to(settings_for(None), events, seed, destination, advance)
    if as_json:
        answer_json(written)
    elif has_place:
        say(", ".join(f"{name} {value}" for name, value in written.items()))
