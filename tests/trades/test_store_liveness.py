import os
import signal
import subprocess

import pytest

from parallel_orchestra.process import identity
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import TaskName, Watch
from parallel_orchestra.store.liveness import LEASE, NETWORK_LEASE, Life, lease_for, sign_of
from parallel_orchestra.store.records import read_worker, write_worker
from support.clock import FakeClock
from support.tasks_dir import ME, OTHER, put, record, tasks_dir
from support.waiting import wait_until

NAME = TaskName("a", 1, 0, OTHER)
#: What makes an owner one that we can't see: only its sign of life tells.
OUT_OF_SIGHT = {
    "another container": {"pid_namespace": "pid:[1]"},
    "another machine": {"host": "elsewhere", "boot": "another"},
}


class Scene:
    """A lock of `OTHER`, watched by us with a clock of our own."""

    def __init__(self, place):
        self.layout = tasks_dir(place)
        self.clock = FakeClock()
        self.me = record(ME)
        self.watch = Watch(self.layout, self.me, self.clock.monotonic)
        self.lock = put(self.layout, TaskState.LOCKED, NAME.file)

    def registers(self, **facts):
        write_worker(self.layout, record(OTHER, **facts))

    def death(self, name=NAME):
        path = self.layout.state(TaskState.LOCKED) / name.file
        return self.watch.death(name, str(path))

    def judge(self, name=NAME):
        path = self.layout.state(TaskState.LOCKED) / name.file
        return self.watch.judge(name, str(path))

    def beat(self, mtime_ns):
        os.utime(self.lock, ns=(mtime_ns, mtime_ns))


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.fixture
def child():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_an_owner_whose_process_runs_is_alive(scene, child):
    scene.registers(pid=child.pid, start=identity.start_time(child.pid))

    scene.clock.advance(10_000)

    assert scene.death() == ""


def test_an_owner_whose_process_is_gone_is_dead_at_the_first_look(scene, child):
    scene.registers(pid=child.pid, start=identity.start_time(child.pid))
    child.kill()
    child.wait()

    assert scene.death() == f"process {child.pid} is gone"


def test_a_process_that_was_killed_and_not_yet_reaped_is_dead(scene, child):
    scene.registers(pid=child.pid, start=identity.start_time(child.pid))
    child.kill()

    assert wait_until(scene.death) == f"process {child.pid} is gone"


def test_a_stopped_process_is_alive_however_long_it_stands(scene, child):
    scene.registers(pid=child.pid, start=identity.start_time(child.pid))
    child.send_signal(signal.SIGSTOP)
    scene.death()
    scene.clock.advance(10_000)

    assert scene.death() == ""


def test_another_process_with_the_same_pid_is_not_the_owner(scene, child):
    scene.registers(pid=child.pid, start="1")

    assert scene.death() == f"process {child.pid} is gone"


def test_an_owner_from_before_a_restart_of_this_machine_is_dead(scene):
    scene.registers(boot="another")

    assert scene.death() == "the machine was restarted"


@pytest.mark.parametrize("facts", OUT_OF_SIGHT.values(), ids=OUT_OF_SIGHT)
def test_an_owner_out_of_sight_is_dead_only_after_a_lease_without_a_sign_of_life(scene, facts):
    scene.registers(lease=60.0, **facts)

    looks = []
    for seconds in (0, 30, 30, 0.5):
        scene.clock.advance(seconds)
        looks.append(scene.death())

    assert looks == ["", "", "", "no sign of life for 60 s"]


@pytest.mark.parametrize("facts", OUT_OF_SIGHT.values(), ids=OUT_OF_SIGHT)
def test_a_sign_of_life_begins_the_lease_anew(scene, facts):
    scene.registers(lease=60.0, **facts)
    scene.death()

    looks = []
    for number in range(1, 10):
        scene.clock.advance(50)
        scene.beat(number)
        looks.append(scene.death())

    assert looks == [""] * 9


@pytest.mark.parametrize(
    "jump", [10**18, 1, -(10**15), 4 * 10**18], ids=["2001", "1970", "1969", "2096"]
)
def test_a_clock_that_is_set_is_a_sign_of_life_whichever_way_it_jumps(scene, jump):
    scene.registers(lease=60.0, host="elsewhere", boot="another")
    scene.death()
    scene.clock.advance(59)

    scene.beat(jump)

    assert scene.death() == ""
    scene.clock.advance(59)
    assert scene.death() == ""
    scene.clock.advance(2)
    assert scene.death()


def test_our_own_wall_clock_does_not_matter(scene):
    scene.registers(lease=60.0, host="elsewhere", boot="another")
    scene.death()

    scene.clock.epoch += 10**9
    looks = [scene.death()]
    scene.clock.epoch -= 2 * 10**9
    looks.append(scene.death())

    assert looks == ["", ""]


def test_a_lock_that_is_gone_is_nobody_s_death(scene):
    scene.registers(lease=60.0, host="elsewhere", boot="another")
    scene.death()
    scene.clock.advance(100)

    scene.lock.unlink()

    assert scene.death() == ""


def test_another_attempt_of_the_same_owner_has_a_lease_of_its_own(scene):
    scene.registers(lease=60.0, host="elsewhere", boot="another")
    scene.death()
    scene.clock.advance(100)
    again = NAME._replace(attempts=2)
    os.rename(scene.lock, scene.lock.with_name(again.file))

    assert scene.death(again) == ""


def test_a_manual_claim_outlives_the_command_that_made_it(scene, child):
    scene.registers(kind="manual", pid=child.pid, start="1", lease=1800.0)

    looks = []
    for seconds in (0, 1800, 1):
        scene.clock.advance(seconds)
        looks.append(scene.death())

    assert looks == ["", "", "no sign of life for 1800 s"]


@pytest.mark.parametrize("text", [None, "", "{torn", "[]"])
def test_an_owner_without_a_readable_record_has_our_lease(scene, text):
    if text is not None:
        (scene.layout.workers / f"{OTHER}.json").write_text(text, encoding="utf-8")

    looks = []
    for seconds in (0, 60, 1):
        scene.clock.advance(seconds)
        looks.append(scene.death())

    assert looks == ["", "", "no sign of life for 60 s"]


def test_a_record_that_appears_later_counts(scene):
    scene.death()
    scene.registers()
    scene.clock.advance(100)

    assert scene.death() == ""


@pytest.mark.parametrize("name", [TaskName("a"), TaskName("a", 1, 0, ME)], ids=["nobody", "we"])
def test_a_lock_of_nobody_and_our_own_are_never_dead(scene, name):
    os.rename(scene.lock, scene.lock.with_name(name.file))
    scene.death(name)
    scene.clock.advance(10_000)

    assert scene.death(name) == ""


def test_the_lease_is_longer_where_attributes_may_be_old():
    assert lease_for(on_network=False) == LEASE == 60.0
    assert lease_for(on_network=True) == NETWORK_LEASE == 150.0


@pytest.fixture
def by_hand(scene):
    """A claim by hand of this boot, made when our clock stood at 500 seconds."""
    scene.clock.advance(500.0)
    scene.registers(kind="manual", lease=1800.0, epoch=scene.clock.now(), clock=500.0)
    record_of = read_worker(scene.layout, OTHER)

    def beat():
        at = sign_of(record_of, scene.clock.monotonic())
        os.utime(scene.lock, (at, at))

    scene.renew = beat
    return scene


def test_the_lease_of_a_claim_by_hand_is_known_at_the_first_look(by_hand):
    by_hand.renew()
    by_hand.clock.advance(1700)
    before = by_hand.judge()
    by_hand.clock.advance(200)

    after = by_hand.judge()

    assert (before.life, round(before.left)) == (Life.ALIVE, 100)
    assert (after.life, round(after.left)) == (Life.DEAD, -100)


def test_a_sign_of_life_renews_a_claim_by_hand_whatever_the_wall_clock_was_set_to(by_hand):
    for jump in (86_400.0, -200_000.0, 0.0):
        by_hand.clock.advance(1700)
        by_hand.clock.epoch += jump
        by_hand.renew()

    verdict = by_hand.judge()

    assert (verdict.life, round(verdict.left)) == (Life.ALIVE, 1800)


def test_a_claim_by_hand_is_not_judged_by_the_time_that_its_rename_brought_along(by_hand):
    by_hand.beat(10**18)

    verdict = by_hand.judge()

    assert (verdict.life, round(verdict.left)) == (Life.ALIVE, 1800)


def test_a_sign_from_the_future_is_watched_like_that_of_somebody_elsewhere(by_hand):
    by_hand.beat(4 * 10**18)

    looks = [by_hand.judge().life]
    for seconds in (1800, 1):
        by_hand.clock.advance(seconds)
        looks.append(by_hand.judge().life)

    assert looks == [Life.ELSEWHERE, Life.ELSEWHERE, Life.DEAD]


@pytest.mark.parametrize("facts", OUT_OF_SIGHT.values(), ids=OUT_OF_SIGHT)
def test_a_claim_by_hand_from_elsewhere_has_to_be_watched(scene, facts):
    scene.registers(kind="manual", lease=1800.0, epoch=1.0, clock=1.0, **facts)

    assert scene.judge().life is Life.ELSEWHERE


def test_who_is_out_of_sight_is_alive_once_it_gave_a_sign_while_we_watched(scene):
    scene.registers(lease=60.0, host="elsewhere", boot="another")
    first = scene.judge()
    scene.clock.advance(10)
    scene.beat(10**18)

    looks = [scene.judge().life, scene.judge().life]

    assert first.life is Life.ELSEWHERE
    assert "process" in first.reason
    assert "on `elsewhere`" in first.reason
    assert looks == [Life.ALIVE, Life.ALIVE]


def test_every_verdict_has_its_reason(scene, child):
    scene.registers(pid=child.pid, start=identity.start_time(child.pid))
    runs = scene.judge()
    child.send_signal(signal.SIGSTOP)
    wait_until(lambda: identity.stopped(child.pid))

    stands = scene.judge()
    parked = scene.judge(TaskName("a"))

    assert (runs.life, runs.reason) == (Life.ALIVE, f"process {child.pid} runs here")
    assert (stands.life, "is stopped" in stands.reason) == (Life.ALIVE, True)
    assert (parked.life, parked.reason) == (Life.PARKED, "locked by hand: move it to free it")
