"""`python -m tests.mutants [WORD…]`: every mutant has to fail the test that it names.

Without words, every mutant; otherwise those whose fault has one of them. What needs Kafka is left
out unless it runs beside `python -m deploy.local.servers run`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.mutants.broken_build import copy_checkout, exit_code_of, is_found
from tests.mutants.mutants import MUTANTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of faults")
    words = parser.parse_args().words
    chosen = [one for one in MUTANTS if not words or any(word in one.fault for word in words)]
    has_kafka = "HEADWATER_KAFKA" in os.environ
    survivors, left_out = 0, 0
    with tempfile.TemporaryDirectory(prefix="headwater-mutants-") as name:
        folder = Path(name)
        copy_checkout(folder)
        for test in sorted({one.test for one in chosen if has_kafka or not one.needs_kafka}):
            if code := exit_code_of(test, folder):
                print(f"{test} does not pass without any mutant: pytest ended with {code}")
                return 1
        for mutant in chosen:
            if mutant.needs_kafka and not has_kafka:
                left_out += 1
                print(f"left out  {mutant.fault}: it needs Kafka", flush=True)
                continue
            found = is_found(mutant, folder)
            survivors += not found
            print(
                f"{'dies' if found else 'SURVIVES':<9} {mutant.fault} ({mutant.test})", flush=True
            )
    print(f"{len(chosen)} mutants, {survivors} survive, {left_out} left out")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
