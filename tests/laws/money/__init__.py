"""What transactions are worth, beside a naive reading of the same rules."""
