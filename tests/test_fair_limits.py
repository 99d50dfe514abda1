"""What a machine may take."""

import pytest

from support import machine


@pytest.mark.parametrize(
    ("taken", "allowed"), [(0.004, 2.0), (0.008, 2.0), (0.024, 6.0)], ids=["fast", "same", "slow"]
)
def test_a_slow_machine_may_take_longer_and_a_fast_one_no_less(monkeypatch, taken, allowed):
    monkeypatch.setattr(machine, "_timed", lambda: taken)

    assert machine.fair(2.0) == pytest.approx(allowed)


def test_what_is_timed_is_real():
    assert 0 < machine._timed() < 10
