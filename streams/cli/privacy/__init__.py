"""`headwater privacy`: people who asked to be forgotten."""

from streams.cli.privacy.group import privacy_group

__all__ = ["privacy_group"]
