"""Where the store of a folder is served: a file beside the folder."""

from __future__ import annotations

import http.client
import os
from pathlib import Path

HOST = "127.0.0.1"
FOLDER_HEADER = "X-Headwater-Store"
"""Names the folder, so that a port that another program has taken since is not asked."""
_PING_SECONDS = 2.0


def address_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.port")


def write_address(folder: Path, port: int) -> None:
    """Say where this process serves the folder; replaces what an earlier one said."""
    file = address_file(folder)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(f"{port}\n")
    new.replace(file)


def served_at(folder: Path) -> int | None:
    """The port at which a living process serves this folder; None: nobody does."""
    try:
        port = int(address_file(folder).read_text())
        connection = http.client.HTTPConnection(HOST, port, timeout=_PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            answer = connection.getresponse()
            answer.read()
            is_ours = answer.headers.get(FOLDER_HEADER) == header_value(folder)
            return port if is_ours else None
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException):
        return None


def header_value(folder: Path) -> str:
    """The folder in a form that a header can hold."""
    return str(folder.resolve()).encode().hex()
