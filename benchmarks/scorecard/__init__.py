"""What `make bench` is made of: the ratios that benchmarks write, the benchmarks it runs, the machine, and the report."""
