"""Inputs that real producers sent, and what is right of them."""
