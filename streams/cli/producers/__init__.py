"""Commands for those who publish events: make them from files, check them, and publish them."""

from streams.cli.producers.import_files import import_command
from streams.cli.producers.send import send_command
from streams.cli.producers.validate import validate_command

__all__ = ["import_command", "send_command", "validate_command"]
