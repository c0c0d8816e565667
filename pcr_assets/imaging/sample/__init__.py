"""The project's own sample: rendered cards of an invented game, photos of them, and strangers.

`make demo` and the tests use it where no real cards lie. The art is the project's own: creatures drawn from a seeded
genome in six sets of their own frames, with near-twin reprints, exact twins and second scans among them. Every file
follows from the seed, byte for byte.
"""

from pcr_assets.imaging.sample.bad_files import bad_files
from pcr_assets.imaging.sample.rendering import SampleError, render
from pcr_assets.imaging.sample.sets import Card, Design, render_card, specs

__all__ = ["Card", "Design", "SampleError", "bad_files", "render", "render_card", "specs"]
