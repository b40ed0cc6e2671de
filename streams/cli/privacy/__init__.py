"""`headwater privacy`: people who ask to be forgotten, or what is held about them."""

from streams.cli.privacy.group import privacy_group

__all__ = ["privacy_group"]
