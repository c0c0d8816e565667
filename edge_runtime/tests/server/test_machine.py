"""Temperature and throttling, from files and a firmware of our own making."""

from edge_runtime.server.machine import Machine


def test_temperatures_are_read_by_zone_and_a_zone_that_is_off_is_left_out(tmp_path):
    for number, (kind, value) in enumerate([("cpu-thermal", "48312"), ("gpu", ""), ("nvme", "-1500")]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(f"{kind}\n")
        (zone / "temp").write_text(f"{value}\n")
    assert Machine(tmp_path).temperatures() == {"0:cpu-thermal": 48.312, "2:nvme": -1.5}
    assert Machine(tmp_path / "none").temperatures() == {}


def test_the_firmware_is_asked_once_in_a_while_and_its_bits_are_named():
    asked = []
    machine = Machine(firmware=lambda: asked.append(1) or "throttled=0x50005\n")
    found = machine.throttled()
    assert machine.throttled() == found
    assert len(asked) == 1
    assert {what for what, is_so in found.items() if is_so} == {
        "under voltage",
        "throttled",
        "under voltage has occurred",
        "throttling has occurred",
    }


def test_each_bit_has_a_name():
    for bit, what in [(1, "frequency capped"), (3, "soft temperature limit"), (17, "frequency capping has occurred")]:
        found = Machine(firmware=lambda bit=bit: f"throttled={1 << bit:#x}").throttled()
        assert [name for name, is_so in found.items() if is_so] == [what]


def test_another_machine_has_no_such_firmware():
    assert Machine(firmware=lambda: "").throttled() == {}
    assert Machine(firmware=lambda: "error=1 error_msg").throttled() == {}
