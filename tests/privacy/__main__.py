"""`python -m tests.privacy --people 20000 --asking 200`: who asked is gone, and no figure changed.

Prints how many ids and pseudonyms of them are in the bytes of the tables before and after, and how
long the erasure took; then replays the same log into the same store, and erases again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from streams.operations.privacy import run_erasure
from tests.privacy.people import people
from tests.privacy.proof import erase_more, left_of, prove, replay
from tests.privacy.states import named_in_states


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.privacy", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--asking", type=int, default=200)
    parser.add_argument("--days", type=int, default=1, help="on which everybody plays")
    parser.add_argument("--waves", type=int, nargs="*", default=[], help="requests of later runs")
    parser.add_argument("--states", type=int, default=0, help="look at states after so many days")
    chosen = parser.parse_args()
    crowd = people(chosen.people, chosen.asking)
    if chosen.states:
        with tempfile.TemporaryDirectory() as name:
            for what, count in sorted(named_in_states(Path(name), crowd, chosen.states).items()):
                print(f"{count:>8,} {what}")
        return 0
    with tempfile.TemporaryDirectory() as name:
        settings, proof = prove(Path(name), crowd, chosen.days)
        print(proof, flush=True)
        silent = [one.install_id for one in crowd if not one.asks_by]
        for wave in chosen.waves:
            seconds = erase_more(settings, f"wave-{wave}", silent[:wave])
            silent = silent[wave:]
            print(f"{wave:,} more requests: {seconds:.1f} s", flush=True)
        if chosen.waves:
            return int(bool(proof.found_after or proof.changed))
        replay(settings, Path(name), crowd, is_again=True, days=chosen.days)
        print(f"replayed into the same store: {left_of(settings, crowd)} names are back")
        run_erasure(settings, lambda _: None)
        left = left_of(settings, crowd)
        print(f"erased again: {left} are left")
    return int(bool(proof.found_after or left or proof.changed))


if __name__ == "__main__":
    sys.exit(main())
