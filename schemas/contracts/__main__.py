"""Writes the generated documents beside the structs: `python -m schemas.contracts`."""

from __future__ import annotations

from pathlib import Path

from schemas.contracts.documents import documents, read_examples, read_migrations


def _main() -> None:
    schemas = Path(__file__).parent.parent
    examples = read_examples(schemas / "examples")
    migrations = read_migrations(schemas / "migrations")
    for name, body in documents(examples, migrations).items():
        path = schemas / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)


if __name__ == "__main__":
    _main()
