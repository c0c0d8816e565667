"""The double refuses what HailoRT refuses, and HailoRT, where it is installed, is held against the contract."""

import importlib
import importlib.util
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from drawn import write_hef

HERE = Path(__file__).parent
CONTRACT = json.loads((HERE / "fake_hailo/hailort_contract.json").read_text())
METHODS = [(place, method) for place, methods in CONTRACT["methods"].items() for method in methods]
REAL = importlib.util.find_spec("hailo_platform") is not None
CARD = np.zeros((112, 80, 3), np.uint8)


@pytest.fixture
def library(board):
    return importlib.import_module("hailo_platform")


@pytest.fixture
def errors(library):
    return importlib.import_module("hailo_platform.pyhailort.pyhailort")


@pytest.fixture
def device(library):
    params = library.VDevice.create_params()
    params.scheduling_algorithm = library.HailoSchedulingAlgorithm.ROUND_ROBIN
    with library.VDevice(params) as opened:
        yield opened


@pytest.fixture
def model(library, device, hef):
    model = device.create_infer_model(str(hef))
    model.output().set_format_type(library.FormatType.FLOAT32)
    return model


@pytest.fixture
def configured(model):
    with model.configure() as configured:
        yield configured


def bindings_of(configured, card=CARD, vector=None):
    return configured.create_bindings(
        {"student/input_layer1": card}, {"student/fc1": np.zeros(192, np.float32) if vector is None else vector}
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: c.run([bindings_of(c)]),
        lambda c: c.run([bindings_of(c)], timeout_ms=1000),
        lambda c: c.run_async(bindings_of(c), timeout=1000),
        lambda c: c.wait_for_async_ready(timeout=1000),
        lambda c: c.infer({"input": CARD}),
    ],
)
def test_arguments_and_methods_that_do_not_exist_are_refused(configured, wrong):
    with pytest.raises((TypeError, AttributeError)):
        wrong(configured)


def test_a_path_is_given_as_text(device, hef):
    with pytest.raises(TypeError, match="as str, or bytes, not PosixPath"):
        device.create_infer_model(hef)


def test_a_parameter_that_does_not_exist_is_refused(library):
    with pytest.raises(AttributeError, match="scheduler"):
        library.VDevice.create_params().scheduler = "round robin"


@pytest.mark.parametrize(
    ("card", "vector"),
    [
        (CARD[:-1], np.zeros(192, np.float32)),
        (CARD.astype(np.float32), np.zeros(192, np.float32)),
        (CARD.transpose(2, 0, 1).copy(), np.zeros(192, np.float32)),
        (CARD, np.zeros(192, np.float64)),
        (CARD, np.zeros(191, np.float32)),
    ],
)
def test_buffers_of_another_shape_or_type_are_refused_when_a_job_starts(configured, errors, card, vector):
    bindings = bindings_of(configured, card, vector)
    with pytest.raises(errors.HailoRTInvalidOperationException):
        configured.run_async([bindings])
    with pytest.raises(errors.HailoRTStreamAborted):
        configured.run_async([bindings_of(configured)])


def test_the_output_is_whole_numbers_until_floats_are_asked_for_before_configuring(library, device, errors, hef):
    model = device.create_infer_model(str(hef))
    with model.configure() as configured:
        model.output().set_format_type(library.FormatType.FLOAT32)
        with pytest.raises(errors.HailoRTInvalidOperationException):
            configured.run_async([bindings_of(configured)])


def test_buffers_are_contiguous_writable_and_set(configured, library, errors):
    bindings = configured.create_bindings()
    with pytest.raises(library.HailoRTException, match="C_CONTIGUOUS"):
        bindings.input().set_buffer(CARD[:, ::-1])
    with pytest.raises(ValueError, match="not writeable"):
        bindings.input().set_buffer(np.frombuffer(CARD.tobytes(), np.uint8).reshape(CARD.shape))
    with pytest.raises(errors.HailoRTNotFoundException):
        configured.run_async([bindings])


def test_a_model_runs_only_after_it_was_configured_and_until_it_is_closed(model):
    assert not hasattr(model, "run_async")
    with model.configure() as configured:
        bindings = bindings_of(configured)
        configured.run([bindings], 1000)
    with pytest.raises(AttributeError, match="NoneType"):
        configured.run_async([bindings])


def test_a_device_that_was_released_makes_no_models(library, hef):
    device = library.VDevice()
    device.release()
    with pytest.raises(AttributeError, match="NoneType"):
        device.create_infer_model(str(hef))


def test_a_device_released_before_its_models_is_noticed(library, board, hef):
    device = library.VDevice()
    with device.create_infer_model(str(hef)).configure():
        device.release()
    assert board.early_releases == 1


@pytest.mark.parametrize(("groups", "allowed"), [(("A", "A"), True), (("A", "B"), False), (("UNIQUE",) * 2, False)])
def test_a_second_device_needs_the_group_of_the_first(library, groups, allowed):
    first, second = (library.VDevice.create_params() for _ in groups)
    first.group_id, second.group_id = groups
    with library.VDevice(first):
        if allowed:
            library.VDevice(second).release()
        else:
            with pytest.raises(library.HailoRTException, match=r"error: 74 \(HAILO_OUT_OF_PHYSICAL_DEVICES\)"):
                library.VDevice(second)


@pytest.mark.parametrize(("arch", "chip"), [("hailo8", "HAILO8L"), ("hailo8l", "HAILO10H")])
def test_a_model_for_another_chip_is_refused_when_it_is_configured(device, board, errors, tmp_path, arch, chip):
    board.arch = chip
    with pytest.raises(errors.HailoRTHEFNotCompatibleWithDevice):
        device.create_infer_model(str(write_hef(tmp_path / f"{arch}.hef", arch))).configure()


def test_a_full_queue_takes_no_job_and_waiting_for_room_times_out(configured, board, library, errors):
    board.silent = True
    for _ in range(configured.get_async_queue_size()):
        configured.run_async([bindings_of(configured)])
    with pytest.raises(errors.HailoRTTimeout):
        configured.wait_for_async_ready(timeout_ms=10)
    with pytest.raises(library.HailoRTException, match="82"):
        configured.run_async([bindings_of(configured)])


def test_waiting_for_more_room_than_the_queue_has_times_out(configured, errors):
    with pytest.raises(errors.HailoRTTimeout):
        configured.wait_for_async_ready(timeout_ms=10, frames_count=configured.get_async_queue_size() + 1)


def test_a_job_reads_its_buffer_when_the_chip_comes_to_it(configured, board):
    board.seconds_per_frame = 0.05
    card, vector = CARD.copy(), np.zeros(192, np.float32)
    job = configured.run_async([bindings_of(configured, card, vector)])
    card[...] = np.random.default_rng(0).integers(0, 256, card.shape)
    job.wait(1000)
    assert np.ptp(vector) > 0


def test_a_job_that_failed_looks_finished_and_only_its_callback_is_told(configured, board, errors):
    board.lost_after, told = 0, {}
    job = configured.run_async([bindings_of(configured)], callback=told.update)
    job.wait(1000)
    assert isinstance(told["completion_info"].exception, errors.HailoRTDriverOperationFailedException)


def test_the_native_status_comes_through_where_the_real_package_lets_it(library, board):
    board.driver = "4.20.0"
    with pytest.raises(Exception, match=r"^76$"):
        library.Device()


@pytest.mark.skipif(not REAL, reason="HailoRT's Python package is not installed here: apt install hailo-all on a Pi")
@pytest.mark.parametrize(("place", "method"), METHODS)
def test_the_real_package_takes_the_contracts_arguments(place, method):
    real = _real(place)
    found = dict(inspect.signature(getattr(real, method)).parameters)
    found.pop("self", None)
    listed = {name.lstrip("*"): default for name, *default in CONTRACT["methods"][place][method]}
    assert list(found) == list(listed)
    for name, default in listed.items():
        expected = default[0] if default else inspect.Parameter.empty
        assert found[name].default == expected


@pytest.mark.skipif(not REAL, reason="HailoRT's Python package is not installed here: apt install hailo-all on a Pi")
def test_the_real_package_has_the_contracts_names():
    import hailo_platform
    from hailo_platform.pyhailort import pyhailort

    assert set(CONTRACT["exports"]) <= set(hailo_platform.__all__)
    assert all(hasattr(pyhailort, name) for name in CONTRACT["exceptions"].values())
    for place, names in CONTRACT["properties"].items():
        assert all(isinstance(inspect.getattr_static(_real(place), name), property) for name in names)
    archs = {arch.name: int(arch) for arch in pyhailort.DeviceArchitectureTypes}
    assert CONTRACT["architectures"].items() <= archs.items()
    for status, name in CONTRACT["statuses"].items():
        assert pyhailort.get_status_message(int(status)) == name


def _real(place):
    found = importlib.import_module("hailo_platform.pyhailort.pyhailort")
    for name in place.split("."):
        found = getattr(found, name)
    return found
