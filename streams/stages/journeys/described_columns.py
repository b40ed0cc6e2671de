"""Columns of a decision that repeat what the install and the credited touchpoint said."""

from __future__ import annotations

from typing import Any

from schemas.records import INSTALL_TEXTS, TOUCH_TEXTS, Flag, Installed, Touch

RESTRICTED = "restricted"
"""What lists of users show in place of a network that forbids to be shown."""


def described_columns(
    install: Installed, touch: Touch | None, *, is_erased: bool
) -> dict[str, Any]:
    """What decides nothing, for those who read the row. `touch` is the credited one; None: organic.

    The model of the device goes with an erasure; the texts of the advertisement name nobody.
    """
    columns: dict[str, Any] = {
        "app_version": install.app_version,
        "os_version": install.os_version,
        "is_restricted": touch is not None and is_restricted(touch),
    }
    columns.update(zip(INSTALL_TEXTS, install.described, strict=False))
    if touch is not None:
        columns.update(zip(TOUCH_TEXTS, touch.described, strict=False))
    if is_erased:
        columns["device_model"] = ""
    return columns


def is_restricted(touch: Touch) -> bool:
    """Whether the network forbids to show its name beside a user."""
    return bool(touch.flags & Flag.RESTRICTED)
