"""The benchmarks that `make bench` runs, and what each is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Benchmark:
    """One script of benchmarks/. ``arguments`` hold the places {store}, {cards} and {work}.

    ``drawn``: what it is given where there is no store, so that it works on what the project itself draws, in seconds; None
    where it can't.
    """

    name: str
    title: str
    arguments: Sequence[str]
    drawn: Sequence[str] | None = None

    def command(self, places: Mapping[str, str] | None, output: Path) -> list[str]:
        """Its command line after ``python``, relative to benchmarks/; without places the drawn one."""
        words = [word.format(**places) for word in self.arguments] if places else list(self.drawn or ())
        return [f"{self.name}.py", *words, "--output", str(output)]


BENCHMARKS = (
    Benchmark("shard_building", "Scans become shards", ("--cards", "{cards}", "--turns", "1")),
    Benchmark("shard_reading", "Pictures out of shards", ("--store", "{store}", "--cards", "{cards}", "--turns", "1")),
    Benchmark("simulator", "The camera simulator", ("--cards", "{cards}"), drawn=()),
    Benchmark("training_step", "A training step", ("--store", "{store}"), drawn=("--steps", "8")),
    Benchmark("embedding", "Embedding the gallery", ("--store", "{store}")),
    Benchmark("index_search", "The index", ("--store", "{store}"), drawn=("--cards", "2000")),
    Benchmark(
        "growth_of_index",
        "The index as it grows",
        ("--store", "{store}", "--scans", "1000", "17592"),
        drawn=("--scans", "1000", "4000"),
    ),
    Benchmark(
        "refresh", "A refresh with nothing to do", ("--store", "{store}", "--cards", "{cards}"), drawn=("--turns", "1")
    ),
    Benchmark(
        "incremental",
        "A refresh for one new card",
        ("--store", "{store}", "--work", "{work}/incremental", "--cards", "1000", "--new", "1", "--made-up-vectors"),
    ),
    Benchmark("cold_start", "Start to first answer", ("--store", "{store}")),
    Benchmark("frame", "A frame to its answer", ("--store", "{store}", "--cards", "{cards}", "--frames", "6")),
)
