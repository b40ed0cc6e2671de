"""`python -m tests.tidy [--shrink]`: every offence of today, and what is allowed for now."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tidy.allowances import allowed, shrink
from tests.tidy.rules import RULES
from tests.tidy.source_tree import Tree

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--shrink"]):
        print(__doc__)
        return 2
    tree, new = Tree(ROOT), 0
    for rule, check in RULES.items():
        offences = check(tree)
        if arguments:
            print(f"{rule}: {shrink(rule, offences)} allowances dropped")
        known = allowed(rule)
        print(f"{rule}: {len(offences)} offences, {len(known)} allowed")
        for offender, advice in sorted(offences.items()):
            new += offender not in known
            mark = " " if offender in known else "!"
            print(f"  {mark} {offender} {advice}")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
