"""Makes the stored rows of erased people anonymous, so that every sum stays what it is."""
