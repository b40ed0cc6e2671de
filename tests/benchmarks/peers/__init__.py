"""A reduced form of the job on other frameworks, to compare speeds with.

The decisions are those of `tests/benchmarks/idiomatic_faust`: the same pure functions and the same
River model, outcomes to the same topics, rows by the same storing worker. Left out are sites,
multi-touch credit, value, further targets, monitors, gates, the ledger and clock ticks; a restart
loses the model and the timers. None of them aligns log time, so each writes about a third more
attribution rows.
"""
