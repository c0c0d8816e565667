"""Python, the packages that this program stands on, and what ONNX Runtime can run on."""

import sys

from edge_runtime.doctor.finding import Finding, failed, fine
from edge_runtime.doctor.machine import Machine

LEAST_PYTHON = (3, 11)
PACKAGES = {
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "pillow": "PIL.Image",
    "onnxruntime": "onnxruntime",
    "usearch": "usearch.index",
    "numkong": "numkong",
    "threadpoolctl": "threadpoolctl",
    "cryptography": "cryptography.hazmat.primitives.asymmetric.ed25519",
    "tuf": "tuf.api.metadata",
    "securesystemslib": "securesystemslib.signer",
    "urllib3": "urllib3",
}
"""As ``pyproject.toml`` names them, and of each a module that needs its compiled part."""
ALSO_AS = {"opencv-python-headless": ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")}
"""Packages that bring the same module."""
NUMPY_1 = "run `pip install 'numpy<2'` in the environment of edge-runtime"
REINSTALL = "install edge_runtime again: `pip install edge-runtime`, or `install.sh` for the service"


def python(_: Machine) -> Finding:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return failed("python", f"{version} is too old", "use Python 3.11 or later", version=version)
    return fine("python", version, version=version, executable=sys.executable)


def packages(machine: Machine) -> Finding:
    """What must be installed, and be loaded."""
    versions = {name: _installed(machine, name) for name in PACKAGES}
    if missing := [name for name, version in versions.items() if version is None]:
        return failed("packages", f"{', '.join(missing)} not installed", REINSTALL, **versions)
    if broken := [f"{name} ({why})" for name, module in PACKAGES.items() if (why := machine.why_not_loaded(module))]:
        return failed("packages", f"can't be loaded: {', '.join(broken)}", REINSTALL, **versions)
    return fine("packages", ", ".join(f"{name} {version}" for name, version in versions.items()), **versions)


def _installed(machine: Machine, name: str) -> str | None:
    return next((found for each in (name, *ALSO_AS.get(name, ())) if (found := machine.version_of(each))), None)


def processor(machine: Machine) -> Finding:
    """Whether ONNX Runtime loads, and where it could run a model. This program uses the processor alone."""
    if machine.version_of("onnxruntime") is None:
        return failed("onnxruntime", "not installed", REINSTALL)
    if why := machine.why_not_loaded("onnxruntime"):
        return failed("onnxruntime", f"can't be loaded ({why})", REINSTALL)
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    if "CPUExecutionProvider" not in providers:
        return failed("onnxruntime", f"has no CPU provider, only {', '.join(providers)}", REINSTALL)
    return fine("onnxruntime", f"{onnxruntime.__version__} with {', '.join(providers)}", providers=providers)


def numpy_2_beside_apt(machine: Machine) -> str | None:
    """The version of a NumPy beside which apt's modules can't be imported: those of Debian 12 are built for NumPy 1."""
    version = machine.version_of("numpy") or "0"
    return version if sys.version_info < (3, 13) and int(version.split(".")[0]) >= 2 else None
