"""Everything at once: kills, zombies, people with `mv`, a user who commits; then not one violation.

300 tasks, 8 worker processes, three seeds with `STORM=full`; else smaller ones.
"""

import random
import time

import pytest

from support.effort import EFFORT, WORKERS, Effort, by_effort, seeds
from support.figures import tell
from support.scene import Scene
from support.storm import Step, Storm, check_tidy
from support.tempest import Tempest, another_namespace
from support.verdict import begun_by_zombies, refused, transactions, verdict

pytestmark = [pytest.mark.slow, pytest.mark.storm]

TASKS = by_effort(12, 60, 300)
WEATHER = {
    "kills": by_effort(3, 40, 200),
    "zombies": by_effort(1, 8, 50),
    "moves": by_effort(4, 20, 100),
    "commits": by_effort(2, 10, 50),
}
FAR = by_effort(1, 3, 4)
#: Seconds after which a storm gives up: what counts is that all happens that was planned.
LIMIT = by_effort(120, 400, 3000)

HEAD = "concurrency_limits: {few: 2}"
VERIFY = "verify: 'test -f folder-000/file-00000.txt'"
#: While the tempest has the gate shut, unless it lets this one through (at last, by itself). And
#: one file that many tasks add a line to.
NAP = (
    'n=0; while test -e "$FLAGS/shut" -a ! -e "$FLAGS/go-$PO_TASK_ID" -a $n -lt 6000; '
    "do sleep 0.2; n=$((n+1)); done"
)
PART = f'{NAP}; echo "$PO_TASK_ID" >> part.txt'


def mixed_graph(dice):
    names = [f"t{number:03}" for number in range(TASKS)]
    steps = []
    for number, name in enumerate(names):
        below = names[max(0, number - 40) : number]
        needs = dice.sample(below, min(len(below), dice.choice((0, 0, 0, 1, 1, 2))))
        writers = tuple(need for need in needs if need not in {s.id for s in steps if s.looks_only})
        kind = dice.random()
        if kind < 0.1:
            steps.append(Step(name, writers, looks_only=True, does=NAP))
        elif kind < 0.2:
            facts = (f"writes: [part.txt, {name}.txt]",)
            steps.append(Step(name, writers, does=PART, facts=facts))
        elif kind < 0.3:
            steps.append(Step(name, writers, does=NAP, facts=("concurrency_group: few",)))
        else:
            steps.append(Step(name, writers, does=NAP))
    return tuple(steps)


@pytest.mark.parametrize("seed", seeds(1, 1, 3))
def test_whatever_happens_at_once_every_promise_is_kept(tmp_path, seed):
    far = another_namespace()
    if far is None:
        pytest.skip("no pid namespaces of our own here: `unshare --pid` is not permitted")
    dice = random.Random(seed)
    head = HEAD if seed % 3 else f"{HEAD}\n{VERIFY}"
    storm = Storm(Scene(tmp_path).repository(10), mixed_graph(dice), head=head)
    began = time.monotonic()

    with Tempest(storm, dice, min(WORKERS, by_effort(3, 8, 99)), FAR, WEATHER, far) as tempest:
        tempest.rage(LIMIT)
        raged = time.monotonic() - began
        tempest.calm()
    broken = list(verdict(tempest))

    tell(
        f"tempest, seed {seed}",
        tasks=TASKS,
        **tempest.happened,
        **{
            "refused at the transaction": refused(transactions(tempest.transactions)),
            "zombies that began an agent": begun_by_zombies(tempest),
            "violations": len(broken),
        },
        seconds=f"{raged:.0f} + {time.monotonic() - began - raged:.0f}",
    )
    assert broken == []
    check_tidy(storm.scene)
    if EFFORT is Effort.FULL:
        # Shorter ones may end before everything came about: how much did stands in the figures.
        assert tempest.fell_short() == []
