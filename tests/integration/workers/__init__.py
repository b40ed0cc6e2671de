"""Whole workers on a broker: roles, orders about models, targets, equal digests."""
