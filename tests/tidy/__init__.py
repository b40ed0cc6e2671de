"""Rules of style and layout that no linter knows, each a test that names the offender.

`python -m tests.tidy` lists every offence of today; `--shrink` drops allowances that are no longer
needed.
"""
