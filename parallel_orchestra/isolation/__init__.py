"""Where an agent may write, and how its work comes out again.

Knows nothing of the store or of merging. Each way has the same doors: `open` gives a workspace
for one attempt, `setup_due` and `set_up` go round the commands that make it ready, `take` its content as a git tree, `keep` puts what is not
merged under a ref, `settled` says that there is nothing left to save.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.isolation.clone import CLONES, Clone
    from parallel_orchestra.isolation.home import home_of
    from parallel_orchestra.isolation.in_place import InPlace
    from parallel_orchestra.isolation.inspection import PoolSlot, SlotState, slots_in
    from parallel_orchestra.isolation.left import LeftWorktree, idle_locks, is_by_hand, left_in
    from parallel_orchestra.isolation.pool import BENCH, Pool, default_root, labelled, rescue
    from parallel_orchestra.isolation.ports import Seat, Seats
    from parallel_orchestra.isolation.salvage import Left
    from parallel_orchestra.isolation.setting_up import Means, SetUpFailed, prepared, take_down
    from parallel_orchestra.isolation.shared import SHARED, Commons, Tenant
    from parallel_orchestra.isolation.slot import Slot
    from parallel_orchestra.isolation.supplies import Supplies
    from parallel_orchestra.isolation.workspace import (
        NOTHING_GIVEN,
        Given,
        Isolation,
        Label,
        Unusable,
        Work,
        Workspace,
        keep_commit,
    )
else:
    __getattr__, __dir__ = door(
        __name__,
        clone="CLONES Clone",
        home="home_of",
        in_place="InPlace",
        inspection="PoolSlot SlotState slots_in",
        left="LeftWorktree idle_locks is_by_hand left_in",
        pool="BENCH Pool default_root labelled rescue",
        ports="Seat Seats",
        salvage="Left",
        setting_up="Means SetUpFailed prepared take_down",
        shared="SHARED Commons Tenant",
        slot="Slot",
        supplies="Supplies",
        workspace="NOTHING_GIVEN Given Isolation Label Unusable Work Workspace keep_commit",
    )

__all__ = [
    "BENCH",
    "CLONES",
    "NOTHING_GIVEN",
    "SHARED",
    "Clone",
    "Commons",
    "Given",
    "InPlace",
    "Isolation",
    "Label",
    "Left",
    "LeftWorktree",
    "Means",
    "Pool",
    "PoolSlot",
    "Seat",
    "Seats",
    "SetUpFailed",
    "Slot",
    "SlotState",
    "Supplies",
    "Tenant",
    "Unusable",
    "Work",
    "Workspace",
    "default_root",
    "home_of",
    "idle_locks",
    "is_by_hand",
    "keep_commit",
    "labelled",
    "left_in",
    "prepared",
    "rescue",
    "slots_in",
    "take_down",
]
