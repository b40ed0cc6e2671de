"""Whether the secret of pseudonyms protects anybody. A real broker keeps what it is given, so
workers on one refuse a secret that is known or can be guessed."""

from __future__ import annotations

from streams.errors import Stop
from streams.settings import PrivacySettings, Settings
from streams.settings.privacy import SECRET_BYTES_MIN

KNOWN_SECRET = b"headwater"
"""For demos and tests: whoever knows it can compute the pseudonyms of known device ids."""

_WAY_OUT = (
    f"before the first event set at least {SECRET_BYTES_MIN} random bytes, as of `openssl rand "
    "-hex 32`; where events are stored, rotate it (pseudonym_rotation in deploy/README.md)"
)


def pseudonym_secret(privacy: PrivacySettings) -> bytes:
    """The secret in force; the published one where none is set."""
    secret = privacy.pseudonym_secret
    return secret.reveal().encode() if secret else KNOWN_SECRET


def former_secret(privacy: PrivacySettings) -> bytes:
    """The secret that it replaced; empty: there was none."""
    secret = privacy.former_secret
    return secret.reveal().encode() if secret else b""


def keeps_personal_rows(settings: Settings) -> bool:
    """Whether what workers write outlives a trial: on every broker but the embedded one."""
    return settings.kafka.brokers is not None and not settings.kafka.is_in_process


def secret_fault(privacy: PrivacySettings) -> str:
    """What is wrong with the secret, and the way out, in one line; empty: nothing."""
    secret = pseudonym_secret(privacy)
    if privacy.pseudonym_secret is None:
        return (
            "HEADWATER_PSEUDONYM_SECRET (or …_FILE) is not set, and pseudonyms made with the "
            f"published key can be traced to device ids: {_WAY_OUT}"
        )
    if secret == KNOWN_SECRET:
        return f"HEADWATER_PSEUDONYM_SECRET is the published key: {_WAY_OUT}"
    if len(secret) < SECRET_BYTES_MIN:
        return f"HEADWATER_PSEUDONYM_SECRET has {len(secret)} bytes and can be guessed: {_WAY_OUT}"
    return ""


def require_secret(settings: Settings) -> None:
    """Stop: a worker on a real broker would make pseudonyms that can be traced to ids."""
    if keeps_personal_rows(settings) and (fault := secret_fault(settings.privacy)):
        raise Stop(fault)
