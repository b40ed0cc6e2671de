"""The attribution decision a second time, as plainly as possible: everything beside everything."""
