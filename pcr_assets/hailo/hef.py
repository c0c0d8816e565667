"""HEF files: telling a compiled model from the test double's, and from anything else."""

from pathlib import Path

MAGIC = b"\x01HEF"  # HEADER_MAGIC 0x01484546, big-endian (HailoRT 4.23, hef_internal.hpp)
SIMULATED_MAGIC = b"PCR-SIMULATED-HEF\n"  # followed by one line of JSON that says what it is made of


class NotCompiled(ValueError):
    """A file that no Hailo compiler made; it must never be released or run."""


def is_simulated(hef: Path) -> bool:
    """Whether a file was made by the compiler's test double. Raises OSError where there is no file."""
    with hef.open("rb") as file:
        return file.read(len(SIMULATED_MAGIC)) == SIMULATED_MAGIC


def require_compiled(hef: Path) -> None:
    """Let only a real HEF pass. Raises :class:`NotCompiled`."""
    if is_simulated(hef):
        raise NotCompiled(f"{hef} was made by the compiler's test double: compile it with the Hailo Dataflow Compiler")
    with hef.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotCompiled(f"{hef} is no HEF file (its first bytes are not those of one): compile it again")
