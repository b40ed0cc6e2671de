"""`headwater models`: which versions of models there are, and orders to the workers about them."""

from streams.cli.models.group import models_group

__all__ = ["models_group"]
