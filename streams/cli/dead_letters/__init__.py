"""`headwater dead-letters`: the messages that could not be read, and their way back."""

from streams.cli.dead_letters.group import dead_letters_group

__all__ = ["dead_letters_group"]
