"""What time it is when the machine's clock is set."""

from bot.clock import SET_BACK_S_MAX, SystemClock

START_S = 1_795_521_600


class Machine:
    """Seconds since it started, and what its clock shows."""

    def __init__(self) -> None:
        self.up_s: int = 0
        self.set_by_s: int = 0
        self.clock = SystemClock(
            lambda: (START_S + self.up_s + self.set_by_s) * 10**9, lambda: self.up_s * 10**9
        )

    def shows_s(self) -> float:
        return self.clock.now_ms() / 1000 - START_S


def test_it_is_what_the_machine_says():
    machine = Machine()
    for machine.up_s in (0, 1, 90_000):
        assert machine.shows_s() == machine.up_s


def test_set_forward_it_is_followed_at_once():
    machine = Machine()
    machine.set_by_s = 10 * SET_BACK_S_MAX
    assert machine.shows_s() == machine.set_by_s


def test_set_back_it_goes_on_until_the_machine_has_caught_up():
    machine = Machine()
    machine.up_s, machine.set_by_s = 10, -3_600
    assert machine.shows_s() == 10
    machine.up_s = 20
    assert machine.shows_s() == 20
    machine.set_by_s = 5
    assert machine.shows_s() == 25


def test_set_back_twice_it_never_goes_back():
    machine = Machine()
    machine.set_by_s = -3_600
    assert machine.shows_s() == 0
    machine.up_s, machine.set_by_s = 1, -7_200
    assert machine.shows_s() == 1


def test_what_was_far_ahead_was_wrong_and_is_left():
    machine = Machine()
    machine.set_by_s = -SET_BACK_S_MAX - 1
    assert machine.shows_s() == machine.set_by_s
