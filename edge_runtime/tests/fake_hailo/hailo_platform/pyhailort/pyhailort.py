"""The double's classes. What they accept is the contract's; what they refuse, and how, is the real package's."""

import enum
import os
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from hailo_platform.pyhailort._pyhailort import Frame, HailoRTStatusException, Hef, Pipeline, board, fail
from hailo_platform.pyhailort.contract import CONTRACT, listed


class HailoRTException(Exception):
    """The real package's base class."""


for _name in CONTRACT["exceptions"].values():
    globals()[_name] = type(_name, (HailoRTException,), {})

FormatType = enum.Enum("FormatType", CONTRACT["formats"])
HailoSchedulingAlgorithm = enum.Enum("HailoSchedulingAlgorithm", CONTRACT["scheduling"])
DeviceArchitectureTypes = enum.IntEnum("DeviceArchitectureTypes", CONTRACT["architectures"])


def exception_of(status: int) -> HailoRTException:
    """The exception for a status: one of its own for some, a sentence for the others."""
    name = CONTRACT["statuses"][str(status)]
    if name in CONTRACT["exceptions"]:
        return globals()[CONTRACT["exceptions"][name]](f"{name}. See hailort.log for more information")
    return HailoRTException(f"libhailort failed with error: {status} ({name})")


@contextmanager
def translated():
    """Where the real package turns a status into an exception; in other places the native one comes through."""
    try:
        yield
    except HailoRTStatusException as error:
        raise exception_of(int(str(error))) from error


@listed
class Control:
    def identify(self):
        with translated():
            board.check()
        major, minor, revision = map(int, board.firmware.split("."))
        return SimpleNamespace(
            device_architecture=DeviceArchitectureTypes[board.arch],
            firmware_version=SimpleNamespace(major=major, minor=minor, revision=revision),
        )

    def get_chip_temperature(self):
        with translated():
            board.check()
        return SimpleNamespace(ts0_temperature=board.temperature, ts1_temperature=board.temperature - 1, sample_count=1)


@listed
class Device:
    def __init__(self, device_id):
        if device_id is None:
            if not board.present:
                raise HailoRTException("HailoRT device not found in the system")
            (device_id,) = Device.scan()
        board.check()  # not translated: the real one isn't either
        self.device_id = device_id
        self.control = Control()

    @classmethod
    def scan(cls):
        return ["0001:01:00.0"] if board.present else []

    def release(self):
        self.control = None

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.release()


@listed
class VDevice:
    def __init__(self, params, device_ids):
        params = params or VDevice.create_params()
        with translated():
            board.take(params.group_id)
        self._params = params
        self._open = True
        self._process = os.getpid()
        self._pipelines = []

    @staticmethod
    def create_params():
        values = {"group_id": CONTRACT["unique_group"], "scheduling_algorithm": HailoSchedulingAlgorithm.NONE}
        return _Params(**(dict.fromkeys(CONTRACT["params"]) | values))

    def create_infer_model(self, hef_source, name):
        if os.getpid() != self._process:
            raise HailoRTException("an InferModel is created by the process that created the VDevice")
        if not self._open:
            raise AttributeError("'NoneType' object has no attribute 'create_infer_model_from_file'")
        if not isinstance(hef_source, str | bytes):
            raise TypeError(f"create_infer_model takes a path as str, or bytes, not {type(hef_source).__name__}")
        with translated():
            return InferModel(self, Hef(hef_source))

    def release(self):
        if self._open:
            # The real one may crash the process where something is still configured on it.
            board.early_releases += any(pipeline._thread.is_alive() for pipeline in self._pipelines)
            self._open = False
            board.leave(self._params.group_id)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.release()


class _Params(SimpleNamespace):
    def __setattr__(self, name, value):
        if name not in CONTRACT["params"]:
            raise AttributeError(f"VDeviceParams has no {name}")
        super().__setattr__(name, value)


@listed
class InferModel:
    @listed
    class InferStream:
        def __init__(self, name, shape):
            self.name, self.shape = name, shape
            self._format = FormatType.AUTO

        def set_format_type(self, type):
            self._format = FormatType(type)

        def _dtype(self):
            return np.dtype({"AUTO": "uint8"}.get(self._format.name, self._format.name.lower()))

    def __init__(self, vdevice, hef):
        self._vdevice, self._hef = vdevice, hef
        self.inputs = [InferModel.InferStream("student/input_layer1", hef.shapes[0])]
        self.outputs = [InferModel.InferStream("student/fc1", hef.shapes[1])]

    def input(self, name):
        return _named(self.inputs, name)

    def output(self, name):
        return _named(self.outputs, name)

    def set_batch_size(self, batch_size):
        if batch_size > board.queue:
            with translated():
                fail("HAILO_INVALID_OPERATION")

    def configure(self):
        with translated():
            pipeline = Pipeline(self._hef)
        self._vdevice._pipelines.append(pipeline)
        return ConfiguredInferModel(self, pipeline)


def _named(streams, name):
    found = [stream for stream in streams if name in ("", stream.name)]
    if not found:
        with translated():
            fail("HAILO_NOT_FOUND")
    return found[0]


class AsyncInferCompletionInfo:
    def __init__(self, exception):
        self.exception = exception


@listed
class ConfiguredInferModel:
    @listed
    class Bindings:
        @listed
        class InferStream:
            def __init__(self, name, shape, dtype):
                self.name, self._shape, self._dtype = name, tuple(shape), dtype
                self._buffer = None

            def set_buffer(self, buffer):
                if not buffer.flags.c_contiguous:
                    raise HailoRTException("Buffer must be C_CONTIGUOUS")
                if not buffer.flags.writeable:
                    raise ValueError("array is not writeable")
                self._buffer = buffer

            def get_buffer(self, tf_format):
                return self._buffer

            def _checked(self):
                """The buffer, as it is looked at when a job starts: the real one counts bytes alone, this is stricter."""
                if self._buffer is None:
                    fail("HAILO_NOT_FOUND")
                if (self._buffer.dtype, self._buffer.shape) != (self._dtype, self._shape):
                    fail("HAILO_INVALID_OPERATION")
                return self._buffer

        def __init__(self, inputs, outputs):
            self._inputs, self._outputs = inputs, outputs

        def input(self, name):
            return _named(self._inputs, name)

        def output(self, name):
            return _named(self._outputs, name)

    def __init__(self, model, pipeline):
        self._native = pipeline
        # As they are now: a format that is set later does nothing.
        self._streams = [
            [(stream.name, stream.shape, stream._dtype()) for stream in streams]
            for streams in (model.inputs, model.outputs)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self._native is not None:
            self._native.stop()
        self._native = None

    def _living(self):
        if self._native is None:
            raise AttributeError("'NoneType' object has no attribute 'run_async'")
        return self._native

    def create_bindings(self, input_buffers, output_buffers):
        self._living()
        stream = ConfiguredInferModel.Bindings.InferStream
        bindings = ConfiguredInferModel.Bindings(*([stream(*each) for each in streams] for streams in self._streams))
        for name, buffer in (input_buffers or {}).items():
            bindings.input(name).set_buffer(buffer)
        for name, buffer in (output_buffers or {}).items():
            bindings.output(name).set_buffer(buffer)
        return bindings

    def wait_for_async_ready(self, timeout_ms, frames_count):
        with translated():
            self._living().wait_for_room(timeout_ms / 1000, frames_count)

    def run(self, bindings, timeout):
        self.run_async(bindings).wait(timeout)

    def run_async(self, bindings, callback):
        native, job = self._living(), AsyncInferJob(len(bindings), callback)
        try:
            for each in bindings:
                ends = each.input()._checked(), each.output()._checked()
                native.push(Frame(*ends, job._finished))
        except HailoRTStatusException as error:
            native.stop()  # the real one shuts the model down for a job that it refuses
            raise exception_of(int(str(error))) from error
        return job

    def get_async_queue_size(self):
        self._living()
        return board.queue

    def shutdown(self):
        self._living().stop()


@listed
class AsyncInferJob:
    def __init__(self, frames, callback):
        self._left, self._callback = frames, callback
        self._status = 0
        self._done = threading.Event()

    def _finished(self, status):
        self._left -= 1
        self._status = self._status or status
        if self._left == 0:
            if self._callback:
                error = exception_of(self._status) if self._status else None
                self._callback(completion_info=AsyncInferCompletionInfo(error))
            self._done.set()

    def wait(self, timeout_ms):
        """Waits for the end, good or bad: of a failure only the callback is told."""
        if not self._done.wait(timeout_ms / 1000):
            raise exception_of(4)
