"""A newcomer finds every command, what it does, and an example."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from streams.cli import headwater
from streams.store.migrations import migrations


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        is_command = True
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
            is_command = command.invoke_without_command
        if is_command:
            found.append(((*path, name), command))
    return found


COMMANDS = _commands(headwater)
NAMES = {
    "demo",
    "worker",
    "simulate",
    "replay",
    "rules apply",
    "validate",
    "send",
    "query",
    "digest",
    "cohorts",
    "export",
    "report",
    "explain",
    "evaluate match",
    "evaluate payer",
    "evaluate value",
    "evaluate calibration",
    "evaluate tiers",
    "evaluate credit",
    "evaluate fraud",
    "evaluate drift",
    "credit",
    "models list",
    "models show",
    "models diff",
    "models promote",
    "models rollback",
    "models suspend",
    "models resume",
    "models quarantine",
    "migrate",
    "dead-letters list",
    "dead-letters show",
    "dead-letters export",
    "dead-letters replay",
    "dead-letters drop",
    "doctor",
    "experiment analyze",
    "experiment list",
    "experiment plan",
    "experiment ramp",
    "experiment report",
    "experiment ship",
    "experiment start",
    "experiment stop",
    "bench",
    "board",
    "import",
    "privacy export",
    "privacy run",
    "privacy status",
    "privacy verify",
    "settings",
    "settings retention",
}


def test_all_commands_are_there() -> None:
    assert {" ".join(path) for path, _ in COMMANDS} == NAMES


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=lambda value: str(value)[:40])
def test_help_says_what_it_does_and_gives_an_example(
    path: tuple[str, ...], command: click.Command
) -> None:
    answer = CliRunner().invoke(headwater, [*path, "--help"])
    assert answer.exit_code == 0
    assert command.help is not None
    assert len(command.help.splitlines()[0]) <= 80
    assert "Example:" in answer.output
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.name} has no help"


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=lambda value: str(value)[:40])
def test_every_view_that_help_names_exists(path: tuple[str, ...], command: click.Command) -> None:
    text = "".join(part for migration in migrations() for part in migration.statements)
    views = set(re.findall(r"VIEW (v_\w+)", text))
    assert set(re.findall(r"\bv_[a-z_]+[a-z]\b", command.help or "")) <= views


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=lambda value: str(value)[:40])
def test_whatever_answers_something_can_answer_in_json(
    path: tuple[str, ...], command: click.Command
) -> None:
    if path in (("worker",), ("board",)):  # they run until they are stopped
        return
    assert "as_json" in {parameter.name for parameter in command.params}
