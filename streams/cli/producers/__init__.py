"""Commands for those who publish events: check them, and publish them."""

from streams.cli.producers.send import send_command
from streams.cli.producers.validate import validate_command

__all__ = ["send_command", "validate_command"]
