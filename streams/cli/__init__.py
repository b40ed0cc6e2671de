"""The `headwater` command."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence

import click

from streams.cli.credit import credit
from streams.cli.dead_letters import dead_letters
from streams.cli.doctor import doctor
from streams.cli.explain import explain
from streams.cli.lab.bench import bench
from streams.cli.lab.demo import demo
from streams.cli.lab.evaluate import evaluate
from streams.cli.lab.simulate import simulate
from streams.cli.migrate import migrate
from streams.cli.models import models
from streams.cli.output import say
from streams.cli.replay import replay
from streams.cli.settings import settings
from streams.cli.store import digest, query
from streams.cli.worker import worker
from streams.errors import Stop
from streams.settings.environment import SettingError

USAGE_EXIT = 2
_COMMANDS = (
    demo,
    worker,
    simulate,
    replay,
    query,
    digest,
    explain,
    evaluate,
    credit,
    models,
    migrate,
    dead_letters,
    doctor,
    bench,
    settings,
)


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headwater")
def headwater() -> None:
    """Find where your users came from and what they are worth, while events arrive.

    Start with `headwater demo`: it needs nothing but this program. Settings are environment
    variables (`headwater settings` lists them); `headwater doctor` says what is missing.
    """


for _command in _COMMANDS:
    headwater.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Whatever goes wrong for a person is one line, never a traceback."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        answer = headwater.main(arguments, prog_name="headwater", standalone_mode=False)
    except SettingError as error:
        return _complain(str(error), USAGE_EXIT)
    except Stop as error:
        return _complain(str(error), 1)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "headwater"
        return _complain(f"{error.format_message()} (see `{where} --help`)", USAGE_EXIT)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:
        # Whoever read us (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", 1)
    except Exception as error:
        return _report_bug(error)
    return answer if isinstance(answer, int) else 0


def _complain(text: str, code: int) -> int:
    say(f"headwater: {' '.join(text.split())}")
    return code


def _report_bug(error: Exception) -> int:
    """A bug: one line for the person, the whole story for who asked for it."""
    logging.getLogger("headwater").debug("the command failed", exc_info=error)
    if os.environ.get("HEADWATER_LOG_LEVEL", "").lower() == "debug":
        raise error
    named = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _complain(f"{named} (a bug; HEADWATER_LOG_LEVEL=debug shows where)", 1)
