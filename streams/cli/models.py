"""`headwater models`: which versions of models there are, and orders about them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import click

from schemas.records import CommandKind, ModelCommand
from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    settings_for,
)
from streams.errors import Stop
from streams.settings import Settings

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
_SHOWN = ("normalised_entropy", "entropy_over_rates", "calibration_ratio")


_reason = click.option("--reason", default="", help="Why; it is kept with what became of it.")
_model = click.option("--model", default="payer", show_default=True, help="Which model.")


@click.group()
def models() -> None:
    """List, compare, promote and roll back model versions.

    Every version is a row of the table model_versions, with its evidence. Orders are written to
    the log of examples and carried out where they stand in it, within seconds.
    """


@models.command("list")
@click.option("--model", default="", help="Only this one: payer, payer/rates, value, credit, …")
@click.option(
    "--newest", type=click.IntRange(1), default=5, show_default=True, help="So many of each model."
)
@folder_option
@json_option
def list_(model: str, newest: int, folder: Path | None, as_json: bool) -> int:
    """The newest versions of every model, and which one is live.

    \b
    Example:
      headwater models list --model payer --newest 20
    """
    from streams.operations.models.versions import changes, listed
    from streams.wiring.store import stored

    with stored(settings_for(folder)) as store:
        found = listed(changes(store, model), newest)
    if as_json:
        answer_json({"versions": [one._asdict() for one in found]})
        return 0
    rows = [
        [
            one.model,
            one.version or "(none)",
            _state(one.state, is_live=one.is_live, is_held=one.is_held),
            one.contestant,
            *(_figure(one.figures.get(name, math.nan)) for name in _SHOWN),
            one.learned_at[:19],
            one.reason,
        ]
        for one in found
    ]
    columns = [
        "model",
        "version",
        "state",
        "contestant",
        "NE",
        "to rates",
        "ratio",
        "learned until",
    ]
    answer_table([*columns, "reason"], rows)
    return 0


@models.command()
@click.argument("version")
@folder_option
@json_option
def show(version: str, folder: Path | None, as_json: bool) -> int:
    """Everything that became of a version, with the evidence it was judged by.

    \b
    Example:
      headwater models show payer-184200-3f9c01ab
    """
    from streams.operations.models.versions import changes_of
    from streams.wiring.store import stored

    with stored(settings_for(folder)) as store:
        found = changes_of(store, version)
    if as_json:
        answer_json({"version": version, "changes": [one._asdict() for one in found]})
        return 0
    for one in found:
        held = ", held by hand" if one.is_held else ""
        answer_text(
            f"{one.learned_at[:19]}  {one.state}: {one.live_version or 'nothing'} is live{held}"
            f"{f' ({one.reason})' if one.reason else ''}"
        )
        for name, value in one.figures.items():
            answer_text(f"    {name:<32} {_figure(value)}")
    return 0


@models.command()
@click.argument("first")
@click.argument("second")
@folder_option
@json_option
def diff(first: str, second: str, folder: Path | None, as_json: bool) -> int:
    """Where two versions differ: evidence, calibration, features that moved most.

    \b
    Example:
      headwater models diff payer-180600-b7741c02 payer-184200-3f9c01ab
    """
    from streams.operations.models.diff import diff as compare
    from streams.wiring.parts import scoring_rules
    from streams.wiring.store import stored

    settings = settings_for(folder)
    with stored(settings) as store:
        found = compare(store, scoring_rules(settings.models).targets, first, second)
    if as_json:
        answer_json(found.as_json())
        return 0
    pairs = {**found.figures, **found.calibration}
    rows = [[name, *map(_figure, pair)] for name, pair in pairs.items()]
    rows += [[f"weight of {m.name}", _figure(m.before), _figure(m.after)] for m in found.moved]
    answer_table(["", first, second], rows)
    return 0


@models.command()
@click.argument("version")
@_reason
@json_option
def promote(version: str, reason: str, as_json: bool) -> int:
    """Let VERSION score from now on.

    One of a challenger makes it lead: its next versions go live as well. Any other stays until
    `headwater models resume`.

    \b
    Example:
      headwater models promote payer/challenger-184200-77aa01c3
    """
    from streams.stages.common.snapshot_messages import model_of

    model = model_of(version).removesuffix("/challenger")
    return _order(CommandKind.PROMOTE, model, reason, as_json, version=version)


@models.command()
@click.argument("version", default="")
@_model
@_reason
@json_option
def rollback(version: str, model: str, reason: str, as_json: bool) -> int:
    """Go back to VERSION, or to the one before the live one, until resumed.

    \b
    Example:
      headwater models rollback --reason "one source fell to nothing"
    """
    from streams.stages.common.snapshot_messages import model_of

    named = model_of(version).removesuffix("/challenger") if version else model
    return _order(CommandKind.ROLL_BACK, named, reason, as_json, version=version)


@models.command()
@_model
@_reason
@json_option
def suspend(model: str, reason: str, as_json: bool) -> int:
    """Let no version of a model score until it is resumed: lower tiers answer.

    \b
    Example:
      headwater models suspend --model value
    """
    return _order(CommandKind.SUSPEND, model, reason, as_json)


@models.command()
@_model
@_reason
@json_option
def resume(model: str, reason: str, as_json: bool) -> int:
    """Let what passes the gate go live again, beginning with the newest version.

    \b
    Example:
      headwater models resume --model payer
    """
    return _order(CommandKind.RESUME, model, reason, as_json)


@models.command()
@click.argument("offsets", metavar="FIRST..LAST", default="")
@click.option("--since", type=_MOMENT, help="Instead of offsets: log time, UTC.")
@click.option("--until", type=_MOMENT, help="End of the stretch, UTC.")
@_reason
@json_option
def quarantine(
    offsets: str, since: datetime | None, until: datetime | None, reason: str, as_json: bool
) -> int:
    """Unlearn a stretch of the examples, as if it had never been.

    The last version that saw nothing of it scores at once; the models of all targets go back to a
    state from before it and learn again what followed. FIRST..LAST are offsets of the topic
    `examples` (column learned_offset of model_versions).

    \b
    Example:
      headwater models quarantine --since 2026-11-22T14:00 --until 2026-11-22T15:00
    """
    from streams.operations.models.orders import offsets_between

    settings = settings_for(None)
    if since and until:
        span = offsets_between(settings, since.replace(tzinfo=UTC), until.replace(tzinfo=UTC))
    else:
        span = _span(offsets)
    return _order(
        CommandKind.QUARANTINE, "payer", reason, as_json, first_offset=span[0], last_offset=span[1]
    )


def _order(kind: CommandKind, model: str, reason: str, as_json: bool, **rest: object) -> int:
    from streams.operations.models.orders import new_order, send

    settings = settings_for(None)
    order = new_order(kind, model, reason, **rest)
    _require_known(settings, order)
    send(settings, order)
    if as_json:
        answer_json({"command_id": order.command_id, "kind": kind.name.lower(), "model": model})
    else:
        answer_text(
            f"ordered as {order.command_id}; `headwater models list` shows what became of it"
        )
    return 0


def _require_known(settings: Settings, order: ModelCommand) -> None:
    """Stop early at a version that is nowhere, where a store can tell."""
    from streams.operations.models.versions import changes_of
    from streams.wiring.store import stored

    if not order.version or (settings.store.url is None and not settings.folders.store.exists()):
        return
    with stored(settings) as store:
        changes_of(store, order.version)


def _span(offsets: str) -> tuple[int, int]:
    first, separator, last = offsets.partition("..")
    if not (separator and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise Stop(f"{offsets!r} is no stretch of offsets: say FIRST..LAST, or --since and --until")
    return int(first), int(last)


def _state(state: str, *, is_live: bool, is_held: bool) -> str:
    shown = "live" if is_live else state
    return f"{shown}, held by hand" if is_held else shown


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
