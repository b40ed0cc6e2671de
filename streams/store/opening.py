"""Opens the store that a target names. The one place that knows both kinds."""

from __future__ import annotations

from streams.settings.storing import StoreTarget
from streams.store.base import Store


def open_target(target: StoreTarget, receive_timeout_seconds: float | None = None) -> Store:
    """Stop or UnavailableError when it cannot be opened. A server is asked for only later."""
    if target.url is not None:
        from streams.store.server import ServerStore

        return ServerStore(target, receive_timeout_seconds)
    # Only here: importing chdb starts its engine, and images for servers do without it.
    from streams.store.embedded import EmbeddedStore

    assert target.folder is not None, "a target is a URL or a folder"
    return EmbeddedStore(target.folder)
