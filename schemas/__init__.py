"""What is said: events, records between stages, outcomes, topics, migrations, examples."""
