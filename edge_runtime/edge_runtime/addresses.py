"""What an address is of: asked where the libraries that open it may not even be there."""

import re


def is_stream(name: str) -> bool:
    """Whether a source's name is the address of a network stream."""
    return re.match(r"(rtsps?|https?)://", name) is not None
