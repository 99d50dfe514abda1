"""Does once what every worker does on its look, and says what that was."""

from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.freeing import kept_work
from parallel_orchestra.conductor.byhand.holding import locks_in, watched
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.events import Event, Recovered, Warned
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Debris
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, Listing
from parallel_orchestra.store.liveness import Life

#: Each look heals what it sees; what others move meanwhile is for the next one, up to so many.
_LOOKS = 5


@frozen
class Move:
    """A task that was moved; `ref` keeps work of its dead owner that nobody merged."""

    task: str
    source: str
    target: str
    reason: str
    ref: str = ""


@frozen
class Left:
    """A lock that was left alone, because its owner may be alive, or is a person."""

    task: str
    owner: str
    life: Life
    reason: str


@frozen
class Healing:
    """What `recover` did and what it left; `strange` are files that are none of ours."""

    moves: tuple[Move, ...]
    remarks: tuple[str, ...]
    left: tuple[Left, ...]
    strange: tuple[str, ...]
    debris: Debris


def recover(layout: Layout, settings: Settings, wait: float = 0.0) -> Healing:
    """Frees what the dead hold, rolls forward what is merged, settles doubles, clears git's debris.

    Safe beside workers and a second call at the same time. Owners out of sight are watched for
    `wait` seconds at most.

    Raises:
        EnvironmentProblem: there is no run, its repository is gone, or git failed; what was
            not mended stays for the next call.
        WaitsForPerson: the integration branch was changed from outside.
    """
    told: list[Event] = []
    with workshop(layout, settings, listen=told.append) as shop:
        debris = shop.pool.collect()
        moves: list[Move] = []
        for look in range(_LOOKS):
            listing = shop.store.settled_listing(shop.tasks)
            watched(shop.watch, layout, locks_in(listing), 0.0 if look else wait)
            before = len(told)
            healed = shop.recovery.heal(listing, ())
            moves += [
                _move(shop, listing, event)
                for event in told[before:]
                if isinstance(event, Recovered)
            ]
            if not healed:
                break
        locks = locks_in(listing)
        verdicts = watched(shop.watch, layout, locks, 0.0)
        left = (
            Left(entry.task, entry.name.owner, verdict.life, verdict.reason)
            for entry, verdict in zip(locks, verdicts, strict=True)
        )
        return Healing(
            tuple(moves),
            tuple(f"`{one.task}` {one.text}" for one in told if isinstance(one, Warned)),
            tuple(left),
            listing.strange,
            debris,
        )


def _move(shop: Workshop, listing: Listing, event: Recovered) -> Move:
    entry = listing.entries[event.task]
    ref = ""
    if entry.state is TaskState.LOCKED:
        ref, _ = kept_work(shop, entry.name, alive=False)
    return Move(event.task, entry.state.value, event.target, event.reason, ref)
