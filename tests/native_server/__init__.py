"""A small server of ClickHouse's native protocol in front of chdb, for tests.

No modern ClickHouse server can be installed where these tests run, but its engine can. Here the
driver that the product uses talks over a socket to that engine: handshake, settings of a query,
blocks in both directions, progress, exceptions, ping, cancel, and TLS. A test can order trouble: a
connection that is cut within a block, an insert that is stored in part, errors, slowness.

What it lacks: compression (the driver asks for none unless told to), external tables, several
databases, users other than one.
"""

from __future__ import annotations

from tests.native_server.native_server import NativeServer
from tests.native_server.trouble import Fault, Trouble

__all__ = ["Fault", "NativeServer", "Trouble"]
