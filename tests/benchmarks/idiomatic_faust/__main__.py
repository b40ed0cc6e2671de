"""`python -m tests.benchmarks.idiomatic_faust worker`, with the settings of a core worker."""

from tests.benchmarks.idiomatic_faust.app import app

app.main()
