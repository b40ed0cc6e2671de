"""`headwater rules`: which attribution rules are in force."""

from streams.cli.rules.group import rules_group

__all__ = ["rules_group"]
