"""`headwater simulate`: made-up traffic whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.output import answer_json, json_option, progress, say, seed_option, settings_for


@click.command("simulate")
@click.option(
    "--events",
    type=click.IntRange(1, 1_000_000_000),
    default=50_000,
    show_default=True,
    help="Number of events.",
)
@seed_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write the events to. Default: stdout. Example: traffic.jsonl",
)
@click.option(
    "--to-kafka", "is_kafka", is_flag=True, help="Publish the events to HEADWATER_KAFKA instead."
)
@click.option(
    "--pace",
    type=click.IntRange(1),
    help="With --to-kafka: maximum number of events published per second.",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write the truth about every install to. Example: truth.jsonl",
)
@click.option(
    "--postback-keys",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write the public keys of simulated postbacks to. HEADWATER_POSTBACK_KEYS=FILE "
    "then trusts them.",
)
@json_option
def simulate_command(events: int, seed: int, as_json: bool, **places: Any) -> None:
    """Write a simulated month of traffic, and the truth about it.

    Events are JSON lines as `kcat -C -J` prints them: several apps, channels and campaigns of
    different quality; late, repeated and malformed events; few installs that spend much; 2 % that
    no figure may count: sandbox traffic, invalid receipts, pending sales. The file of --truth says
    what attribution should find.

    \b
    Example:
      headwater simulate --events 10000 --seed 7 --out traffic.jsonl
      headwater replay traffic.jsonl
    """
    from streams.lab.simulator.destination import Destination, simulate_to

    destination = Destination(**places)
    # Without a destination the events themselves go to stdout.
    has_destination = destination.is_kafka or destination.out is not None
    if as_json and not has_destination:
        raise click.UsageError(
            "--json needs --out FILE or --to-kafka, because the events go to stdout",
            click.get_current_context(),
        )
    with progress(is_quiet=as_json) as advance:
        written = simulate_to(settings_for(None), events, seed, destination, advance)
    if as_json:
        answer_json(written)
    elif has_destination:
        say(", ".join(f"{name} {value}" for name, value in written.items()))
