"""What ``benchmarks/incremental.py`` is made of: cards without end, a store without training, one refresh in a process."""
