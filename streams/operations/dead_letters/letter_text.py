"""A dead letter in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from streams.operations.dead_letters.show import SetAside

BYTES_SHOWN_MAX = 16_384
"""Bytes of one message that are printed as lines; as JSON it is whole."""


def letter_text(letter: SetAside) -> str:
    """Place, reason, advice, where it was raised, and the bytes as text or hex."""
    return "\n".join(_lines(letter))


def _lines(letter: SetAside) -> Iterator[str]:
    yield f"{letter.topic}/{letter.partition}/{letter.offset}, received {letter.received_at} UTC"
    if letter.is_quarantined:
        yield f"  quarantined: {letter.quarantine_id} ({letter.kind}), by {letter.stage}"
        if letter.state_key:
            of = f" of {letter.app_id} {letter.install_id}".rstrip()
            yield f"  key:         {_printable(letter.state_key)}{of if letter.app_id else ''}"
        yield f"  error:       {letter.error}, raised at"
        for place in letter.detail.split("; "):
            yield f"    {_printable(place)}"
    else:
        yield f"  reason: {letter.reason}"
        yield f"  found:  {_printable(letter.detail)}"
    for advice in filter(None, letter.advice.split("; ")):
        yield f"  mend:   {_printable(advice)}"
    if letter.key:
        yield f"  message key: {_shown(letter.key)}"
    if not letter.is_dropped:
        yield f"  {len(letter.value):,} bytes:"
        yield _shown(letter.value)


def _shown(raw: bytes) -> str:
    begins = raw[:BYTES_SHOWN_MAX]
    more = len(raw) - len(begins)
    rest = f"\n… and {more:,} bytes more: --json has them all" * bool(more)
    try:
        raw.decode()
    except UnicodeDecodeError:
        return f"hex {begins.hex()}{rest}"
    return _printable(begins.decode(errors="ignore")) + rest


def _printable(text: str) -> str:
    """Escaped where it could steer a terminal: it comes from whoever sent the message."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode()
        for one in text
    )
