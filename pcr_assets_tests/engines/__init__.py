"""Tests of what makes the pieces of a step elsewhere."""
