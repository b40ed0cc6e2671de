"""Until when a decision may still change by what is logged later."""

from __future__ import annotations

from attribution.rules.rules import Rules
from schemas.records import Installed
from schemas.time import MILLISECOND, LogMs


def settles_at(install: Installed, rules: Rules) -> LogMs:
    """The log time from which nothing that is logged can change who gets the credit.

    Touchpoints and earlier installs count up to `late_ms_max` after the install, and verdicts on
    its site, where a rule heeds them, up to `post_install_fraud`. What people order later, an
    erasure or other rules, still makes a version.
    """
    last = rules.late_ms_max
    if rules.heeds_sites:
        windows = rules.app_policy(install.app_id, install.time).windows
        last = max(last, windows.post_install_fraud)
    return LogMs(install.ts + last + MILLISECOND)
