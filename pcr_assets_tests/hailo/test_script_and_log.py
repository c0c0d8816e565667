"""What the compiler is told in its script, and what it says in its log."""

from pcr_assets.hailo.compile_log import read_log
from pcr_assets.hailo.model_script import HailoSettings, model_script


def test_the_script_normalises_with_the_models_own_numbers():
    script = model_script((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), HailoSettings())
    assert (
        script.splitlines()[0] == "normalization1 = normalization([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])"
    )


def test_the_script_asks_for_level_calibration_and_finetuning_as_set():
    settings = HailoSettings(optimization_level=0, calibration_count=64, finetune=True)
    script = model_script((127,) * 3, (128,) * 3, settings)
    assert "model_optimization_flavor(optimization_level=0)" in script
    assert "calibset_size=64" in script
    assert "post_quantization_optimization(finetune, policy=enabled)" in script


def test_a_quiet_log_means_the_level_asked_for_and_unknown_contexts():
    log = read_log("[info] Starting Model Optimization\n", requested_level=2)
    assert (log.optimization_level, log.contexts, log.warnings) == (2, None, ())


def test_coloured_lines_are_read_and_a_warning_written_twice_counts_once():
    line = "\x1b[33m[warning] Reducing optimization level to 0 because there's no available GPU\x1b[0m\n"
    log = read_log(line + line, requested_level=2)
    assert log.optimization_level == 0
    assert log.warnings == ("Reducing optimization level to 0 because there's no available GPU",)


def test_the_last_partition_counts():
    log = read_log("Found valid partition to 4 contexts\nFound valid partition to 3 contexts\n", requested_level=2)
    assert log.contexts == 3


def test_a_failed_single_context_without_a_count_is_more_than_one():
    assert read_log("Single context flow failed: not enough memory\n", requested_level=2).contexts == 2
