"""How models are written down as bytes, and what is checked when they are read back."""
