"""Builds of the product that are wrong in one place, each with the test that has to fail on it."""
