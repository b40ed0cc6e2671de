"""Records the bytes and shapes of what is stored: `python -m tests.stored_bytes`.

The first recording takes the values of seeded worlds. Later ones add a value of every type that
has grown, or is new; nothing that was recorded is ever written again.
"""

from __future__ import annotations

import sys

from tests.stored_bytes.corpus import read_corpus, write_corpus
from tests.stored_bytes.formats import types
from tests.stored_bytes.migrations import checksums, edited, recorded_checksums, write_checksums
from tests.stored_bytes.shapes import (
    FILE,
    name_of,
    recorded_shapes,
    shapes,
    unreadable_changes,
    write_shapes,
)
from tests.stored_bytes.worlds import all_filled, filled_entry, lived, whole_states


def main() -> None:
    """Ends with the changes that must not be recorded, if there are any."""
    _record_migrations()
    today = shapes()
    if not read_corpus():
        write_corpus("1-worlds", lived())
        write_corpus("1-states", whole_states())
        write_corpus("1-filled", all_filled())
        write_shapes(today)
        print(f"recorded version 1 of {len(today)} types")
        return
    recorded = recorded_shapes()
    wrong = unreadable_changes(recorded, today)
    if wrong:
        sys.exit("\n".join(["not recorded: bytes stored before would be misread", *wrong]))
    grown = {name for name in today if recorded.get(name) != today[name]}
    # A text that may have further values has no further fields: its recorded bytes still serve.
    longer = {
        name
        for name in grown
        if len(recorded.get(name, {}).get("fields", ())) != len(today[name].get("fields", ()))
    }
    for name, kind in types():
        own = name_of(kind)
        entry = filled_entry(name, kind) if own in longer else None
        if entry is not None:
            write_corpus(f"1-{own}-{len(today[own]['fields'])}", [entry])
    write_shapes(today)
    print(f"{FILE.name}: {', '.join(sorted(grown)) or 'nothing'} new or grown")


def _record_migrations() -> None:
    recorded, today = recorded_checksums(), checksums()
    wrong = edited(recorded, today)
    if wrong:
        sys.exit(f"not recorded: {', '.join(wrong)} was edited; write a new migration instead")
    write_checksums(today)


main()
