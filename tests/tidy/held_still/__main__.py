"""`python -m tests.tidy.held_still`: store today's shapes, after a change made on purpose."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from streams.store.embedded import EmbeddedStore
from streams.store.migrations import apply_migrations
from tests.tidy.held_still import shapes


def main() -> None:
    for name, read in shapes.SHAPES.items():
        _keep(name, read())
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder))
        apply_migrations(store)
        _keep("tables", shapes.tables(store))
        store.close()


def _keep(name: str, shape: shapes.Shape) -> None:
    before = shapes.stored(name) if (shapes.FOLDER / f"{name}.json").exists() else {}
    for line in shapes.differences(before, shape):
        print(f"{name}{line}", file=sys.stderr)
    shapes.write(name, shape)


if __name__ == "__main__":
    main()
