"""What a person does to single tasks, while no run, or any run, goes on; safe at any time.

`holding` says who has what, `freeing` takes a task away, `recovering` does what every worker does
on its look, `retrying` has a task done again. `claiming` and `finishing` are a person's own
attempt at one, from the claim to its end. `whose` has what they share, `desk` where they work.

The same renames, fences and steps as everybody's: `store`, `recovery`, `board`, `worker`.
"""

from parallel_orchestra.conductor.byhand.whose import no_such_task

__all__ = ["no_such_task"]
