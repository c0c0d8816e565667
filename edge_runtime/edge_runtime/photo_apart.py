"""Photos that strangers send. JPEG, PNG and WebP, as cameras and browsers make them, are decoded here; all else in a process of its
own, whose memory and CPU time are limited.

Decoders of the others ask for what a file says, and nothing tells before: an AVIF of 2 kB, and 32×32 pixels by its header, may hold
a frame of 268 megapixels. Such a process ends, and the service that asked it goes on.

``python -m edge_runtime.photo_apart BYTES PIXELS`` reads a photo on standard input, and writes its height, width and pixels, or why
it can't.
"""

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

from edge_runtime.photo import PhotoError, TooManyPixels, load_photo

RARE = (b"II", b"MM", b"GIF", b"BM")
"""How TIFF, GIF and BMP begin."""
BOXES = b"ftyp"
"""What follows the first four bytes of an AVIF."""
MEMORY = 768 << 20
"""Bytes of address space: an AVIF of 25 megapixels takes three quarters."""
CPU_SECONDS, SECONDS = 20, 25.0
"""By its own clock, and by the wall's: who sent it waits no longer than 30 s."""
REFUSED, TOO_LARGE = 3, 4
"""Exit codes: it can't be read; it has too many pixels."""
SIZE = struct.Struct("<LL")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Threads that have nothing to do reserve memory too."""


def load_sent(body: bytes, most_pixels: int) -> np.ndarray:
    """The photo that somebody sent: uint8 RGB H×W×3, upright. Raises as :func:`edge_runtime.photo.load_photo` does."""
    if not body.startswith(RARE) and body[4:8] != BOXES:
        return load_photo(body, most_pixels)
    command = [sys.executable, "-P", "-m", __name__, str(MEMORY), str(most_pixels)]
    try:
        done = subprocess.run(
            command,
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where libraries warn of what they read
            check=False,
            timeout=SECONDS,
            env={**os.environ, **ONE_THREAD},
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode not in (0, REFUSED, TOO_LARGE):
        raise PhotoError("the upload takes more memory or time than any photo: save it as JPEG")
    if done.returncode:
        raise (TooManyPixels if done.returncode == TOO_LARGE else PhotoError)(done.stdout.decode())
    height, width = SIZE.unpack_from(done.stdout)
    return np.frombuffer(done.stdout, np.uint8, offset=SIZE.size).reshape(height, width, 3).copy()


def main(arguments: Sequence[str]) -> int:
    """Decode the photo on standard input within so many bytes of memory, if it has so many pixels at most."""
    memory, most_pixels = map(int, arguments)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        image = load_photo(sys.stdin.buffer.read(), most_pixels)
    except PhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            return 1
        sys.stdout.buffer.write(str(error).encode())
        return TOO_LARGE if isinstance(error, TooManyPixels) else REFUSED
    sys.stdout.buffer.write(SIZE.pack(*image.shape[:2]))
    sys.stdout.buffer.write(image.data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
