"""The Hailo Dataflow Compiler as a resource: an interpreter of its own, called as a program, or a reason why not."""

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pcr_assets.hailo.compile_log import read_log
from pcr_assets.hailo.request import REQUEST, RESPONSE, CompileRequest, CompileResult, HailoError, read_response

if TYPE_CHECKING:
    from pcr_assets.learning.agreement import Agreement

PYTHON_VARIABLE = "PCR_HAILO_PYTHON"
WORKER = Path(__file__).parents[1] / "hailo" / "worker.py"
INSTALL = (
    "download the wheel hailo_dataflow_compiler 3.33 from Hailo's Developer Zone (hailo.ai; it is on no package index), "
    "install it on x86_64 Ubuntu 22.04 or 24.04 into a Python 3.10, 3.11 or 3.12 environment of its own, "
    f"and name that environment's interpreter in {PYTHON_VARIABLE}"
)
PROBE_SECONDS = 60
LEAST_FLOAT_COSINE = 0.999  # of every sample
LEAST_INTEGER_COSINE = 0.98  # on average


class HailoCompiler(dg.ConfigurableResource):
    """Compiles a student for the accelerator. ``python``: the compiler's interpreter, else ``$PCR_HAILO_PYTHON``.

    The compiler pins old versions of numpy, protobuf and onnx, so it can't share an environment with anything here.
    """

    python: str | None = None
    timeout_minutes: int = 240

    def available(self) -> str | None:
        """None when the compiler can be called, else one sentence that says what is missing and what to install.

        It is published, and names no path of this machine.
        """
        python = self._python()
        if not python:
            return f"The Hailo Dataflow Compiler is not installed: {INSTALL}."
        try:
            probe = subprocess.run(
                [python, str(WORKER), "probe"], capture_output=True, timeout=PROBE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"The interpreter of {PYTHON_VARIABLE} does not run ({type(error).__name__}): {INSTALL}."
        if probe.returncode != 0:
            return f"The interpreter of {PYTHON_VARIABLE} has no Hailo Dataflow Compiler: {INSTALL}."
        return None

    def _python(self) -> str | None:
        return self.python or os.environ.get(PYTHON_VARIABLE)

    def compile(self, request: CompileRequest, workdir: Path) -> CompileResult:
        """Compile in the folder ``workdir``, where the compiler also leaves its logs. Raises :class:`HailoError`.

        An optimization level lower than the one asked for, and a model in several contexts, are errors unless the
        request's settings allow them.
        """
        reason = self.available()
        if reason is not None:
            raise HailoError(reason)
        workdir = workdir.absolute()
        workdir.mkdir(parents=True, exist_ok=True)
        for stale in (workdir / RESPONSE, *workdir.glob("*.log")):  # of a run before: a crash must not find an answer
            stale.unlink(missing_ok=True)
        (workdir / REQUEST).write_text(json.dumps(request.as_json(), indent=1, sort_keys=True))
        self._run(workdir)
        log = read_log(_everything_said(workdir), request.settings.optimization_level)
        result = read_response(workdir, log)
        _refuse_what_was_not_asked(result, request)
        return result

    def emulation(self, result: CompileResult, request: CompileRequest) -> "dict[str, Agreement]":
        """How closely the compiler's emulator follows ONNX Runtime in float on the samples, in float and in integers.

        Raises :class:`HailoError` when the float emulation departs (the compiler understood another graph, or other
        pixels) or when the integers lost too much.
        """
        import numpy as np

        from pcr_assets.learning import onnx_graph
        from pcr_assets.learning.agreement import agreement

        reference = onnx_graph.embed(request.onnx, np.load(request.samples))
        found = {
            "fp_optimized": agreement(reference, result.fp_optimized),
            "quantized": agreement(reference, result.quantized),
        }
        if not found["fp_optimized"].minimum >= LEAST_FLOAT_COSINE:
            raise HailoError(
                f"the compiler's float emulation departs from ONNX (cosine {found['fp_optimized'].minimum:.4f}): compare the "
                "model script's normalization with the model's mean and std"
            )
        if not found["quantized"].mean >= LEAST_INTEGER_COSINE:
            raise HailoError(
                f"the quantized model departs from float (mean cosine {found['quantized'].mean:.4f}): calibrate with more "
                "cards, or raise optimization_level"
            )
        return found

    def _run(self, workdir: Path) -> None:
        command = [str(self._python()), str(WORKER), REQUEST, str(workdir)]
        with (workdir / "stdout.txt").open("wb") as out, (workdir / "stderr.txt").open("wb") as err:
            try:
                subprocess.run(
                    command, cwd=workdir, stdout=out, stderr=err, timeout=60 * self.timeout_minutes, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise HailoError(
                    f"the Hailo compiler did not finish in {self.timeout_minutes} minutes: raise timeout_minutes, or read "
                    f"{workdir / 'stdout.txt'}"
                ) from error


def _everything_said(workdir: Path) -> str:
    files = [workdir / "stdout.txt", workdir / "stderr.txt", *sorted(workdir.glob("*.log"))]
    return "\n".join(file.read_text(errors="replace") for file in files)


def _refuse_what_was_not_asked(result: CompileResult, request: CompileRequest) -> None:
    settings = request.settings
    if result.log.optimization_level < settings.optimization_level and not settings.allow_lower_level:
        raise HailoError(
            f"the compiler lowered the optimization level from {settings.optimization_level} to "
            f"{result.log.optimization_level}: give it a GPU and at least 1024 calibration cards, or set allow_lower_level"
        )
    if result.log.contexts != 1 and not settings.allow_several_contexts:
        found = "an unknown number of" if result.log.contexts is None else result.log.contexts
        raise HailoError(
            f"the model compiled into {found} contexts, so it may run at a fraction of the frames: use a smaller input or "
            "backbone, or set allow_several_contexts"
        )
