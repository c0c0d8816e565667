"""Where the code of both packages lies.

Each folder is that of a module in it, not of the package by its name: from a checkout's root, Python takes the folder
``edge_runtime`` for the package of that name.
"""

from pathlib import Path

from edge_runtime import timing
from pcr_assets import digests

PCR_ASSETS = Path(str(digests.__file__)).parent
EDGE_RUNTIME = Path(str(timing.__file__)).parent
