"""Serves a folder until it is told to stop: `python -m tests.native_server FOLDER`."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.native_server.native_server import NativeServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.native_server", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the store; created if necessary")
    server = NativeServer(parser.parse_args().folder)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"HEADWATER_CLICKHOUSE={server.url}", flush=True)
    print(f"HEADWATER_CLICKHOUSE_PASSWORD='{server.password}'", flush=True)
    stop.wait()
    server.stop()


if __name__ == "__main__":
    main()
