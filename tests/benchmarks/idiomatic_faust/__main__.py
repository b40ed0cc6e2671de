"""`python -m tests.benchmarks.idiomatic_faust worker`, with the settings of a core worker."""

from streams.worker.supervisor import end_with
from tests.benchmarks.idiomatic_faust.app import app, settings

end_with(settings.worker.supervisor)
app.main()
