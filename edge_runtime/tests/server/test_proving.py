"""How long frames must be answered without a fault until a release has served well."""

from edge_runtime.server.proving import Proving


def test_a_release_has_served_well_after_seconds_of_frames_not_at_the_first():
    proving = Proving(5)
    answers = [proving.answered(0.5 * frame) for frame in range(12)]
    assert answers.index(True) == 10


def test_a_fault_begins_the_time_anew():
    proving = Proving(5)
    for frame in range(10):
        proving.answered(0.5 * frame)
    proving.begin()
    assert [proving.answered(5 + 0.5 * frame) for frame in range(12)].index(True) == 10


def test_the_time_while_a_camera_is_lost_proves_nothing():
    proving = Proving(5)
    assert not any(proving.answered(at) for at in (0, 3600, 7200))


def test_what_ends_a_service_that_waited_for_minutes_is_not_the_release():
    proving = Proving(5)
    assert [proving.stood(100) for _ in range(4)] == [False, False, True, True]
    proving.begin()
    assert not proving.stood(100)


def test_no_time_at_all_takes_the_first_frame():
    assert Proving(0).answered(17)
