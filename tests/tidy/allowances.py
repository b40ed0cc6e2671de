"""What is allowed although a rule forbids it: one file a rule, one offender a line.

A line reads `offender` or `offender  -- reason`. One with a reason is there to stay; one without is
still to be mended.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "allowed"
_REASON = "  -- "


def allowed(rule: str, folder: Path = FOLDER) -> dict[str, str]:
    """Reasons by offender; an empty text where the offender is still to be mended."""
    file = folder / f"{rule}.txt"
    if not file.exists():
        return {}
    lines = [line for line in file.read_text().splitlines() if line.strip()]
    parts = [line.partition(_REASON) for line in lines]
    return {offender.strip(): reason.strip() for offender, _, reason in parts}


def write(rule: str, entries: dict[str, str], folder: Path = FOLDER) -> None:
    file = folder / f"{rule}.txt"
    if not entries:
        file.unlink(missing_ok=True)
        return
    lines = [
        offender + (_REASON + reason if reason else "") for offender, reason in entries.items()
    ]
    file.write_text("\n".join(sorted(lines)) + "\n")


def shrink(rule: str, offences: dict[str, str], folder: Path = FOLDER) -> int:
    """Drop entries that no longer offend; how many were dropped."""
    before = allowed(rule, folder)
    after = {offender: reason for offender, reason in before.items() if offender in offences}
    if after != before:
        write(rule, after, folder)
    return len(before) - len(after)
