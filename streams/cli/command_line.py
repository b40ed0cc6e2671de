"""The `headwater` command line: its commands by section, and how a failure ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence

import click

from streams.cli.credit import credit_command
from streams.cli.dead_letters import dead_letters_group
from streams.cli.doctor import doctor_command
from streams.cli.experiment import experiment_group
from streams.cli.lab.bench import bench_command
from streams.cli.lab.demo import demo_command
from streams.cli.lab.evaluate import evaluate_group
from streams.cli.lab.simulate import simulate_command
from streams.cli.migrate import migrate_command
from streams.cli.models import models_group
from streams.cli.output import say
from streams.cli.privacy import privacy_group
from streams.cli.producers import import_command, send_command, validate_command
from streams.cli.replay import replay_command
from streams.cli.rules import rules_group
from streams.cli.settings import settings_command
from streams.cli.stored import (
    board_command,
    digest_command,
    explain_command,
    query_command,
)
from streams.cli.views import cohorts_command, export_command, report_command
from streams.cli.worker import worker_command
from streams.errors import FULL_DISK_NUMBERS, HeadwaterError
from streams.settings.environment import SettingError

USAGE_EXIT = 2
COMMAND_SECTIONS: Mapping[str, Sequence[click.Command]] = {
    "Run": (demo_command, worker_command, migrate_command, doctor_command, settings_command),
    "Ask what was decided": (
        board_command,
        *(
            query_command,
            export_command,
            report_command,
            explain_command,
            cohorts_command,
            digest_command,
        ),
        dead_letters_group,
    ),
    "Forget people": (privacy_group,),
    "Publish events": (import_command, validate_command, send_command),
    "Decide again from files": (replay_command, credit_command),
    "Control rules and models": (rules_group, models_group),
    "Prove what a change is worth": (experiment_group,),
    "Try and measure": (simulate_command, evaluate_group, bench_command),
}


class SectionedGroup(click.Group):
    """A group whose help lists its commands by section, in the order they are declared."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(str(command.name)) for command in self.commands.values())
        for title, commands in COMMAND_SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (f"{command.name:<{width}}", command.get_short_help_str(limit=100))
                        for command in commands
                    ]
                )


@click.group(cls=SectionedGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headwater")
def headwater() -> None:
    """Find where your users came from and what they are worth, while events arrive.

    Headwater reads touchpoints, installs and payments from Kafka, attributes every install,
    predicts who will pay and how much, and stores the results in ClickHouse.

    \b
    Start here:
      headwater demo
      headwater query "SELECT * FROM v_campaign_daily LIMIT 5"
      headwater COMMAND --help

    Settings are environment variables: `headwater settings` lists them, and `headwater doctor`
    checks an installation. Answers go to stdout, progress and errors to stderr. The exit code is
    0 on success, 1 on a failure, 2 on a wrong option or setting.
    """


for _commands in COMMAND_SECTIONS.values():
    for _command in _commands:
        headwater.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit. A failure is one line on stderr, never a traceback."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        answer = headwater.main(arguments, prog_name="headwater", standalone_mode=False)
    except SettingError as error:
        return _complain(str(error), USAGE_EXIT)
    except HeadwaterError as error:
        return _complain(str(error), 1)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "headwater"
        return _complain(f"{error.format_message()} (see `{where} --help`)", USAGE_EXIT)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:
        # The reader of our output (head, less) has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        advice = "; make room, or write elsewhere" if error.errno in FULL_DISK_NUMBERS else ""
        return _complain(f"{where}{error.strerror or error}{advice}", 1)
    except Exception as error:
        return _report_bug(error)
    return answer if isinstance(answer, int) else 0


def _complain(text: str, code: int) -> int:
    say(f"headwater: {' '.join(text.split())}")
    return code


def _report_bug(error: Exception) -> int:
    """One line about a bug; its traceback with HEADWATER_LOG_LEVEL=debug."""
    logging.getLogger("headwater").debug("the command failed", exc_info=error)
    if os.environ.get("HEADWATER_LOG_LEVEL", "").lower() == "debug":
        raise error
    named = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _complain(f"{named} (a bug; HEADWATER_LOG_LEVEL=debug shows where)", 1)
