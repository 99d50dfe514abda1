"""Folders of the `cpo` format: `manifest.json`, `tasks/`, `prompts/`, `contracts/` -> a `Plan`.

Knows nothing of uv, git or agents: what they are to do becomes tasks like any other. The way in is
`read_folder`, then `plan_of`; what a run leaves in the folder is written by others.
"""

from parallel_orchestra.plan.cpo.folder import Disk, Folder, project_of, read_folder
from parallel_orchestra.plan.cpo.making import gates_of, plan_of
from parallel_orchestra.plan.cpo.order import Member
from parallel_orchestra.plan.cpo.scope import Scope

__all__ = [
    "Disk",
    "Folder",
    "Member",
    "Scope",
    "gates_of",
    "plan_of",
    "project_of",
    "read_folder",
]
