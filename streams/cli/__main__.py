"""`python -m streams.cli`: the same as `headwater`."""

from streams.cli import main

main()
