"""Who is to blame where a release can't be opened or can't answer: the release, or the device that it runs on.

A release is refused for what it does itself. A chip that is away, a package that is missing, a full memory or an option that
asks for what the release never had is the device's: the release before would meet it too, and the cure lies here.
"""

from typing import Any

OF_A_MACHINE = (ImportError, MemoryError, OSError)


def is_of_the_device(error: BaseException) -> bool:
    """Whether an exception tells nothing of the release. Ours say so by ``of_the_device``; what caused one counts too."""
    said: Any = getattr(error, "of_the_device", False)
    cause = error.__cause__
    return bool(said) or isinstance(error, OF_A_MACHINE) or (cause is not None and is_of_the_device(cause))
