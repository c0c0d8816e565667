"""What ``benchmarks/edge.py`` is made of."""
