"""Plans: a Markdown file with YAML front matter -> `model.Plan`, with all its mistakes at once.

Knows nothing of the store, git or agents; reads files only through `load` and what is passed in.
The way in is `loading`, then `reading`; to add a field see `fields`.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.plan.canonical import (
        fingerprint,
        fingerprints,
        merge_from_json,
        plan_from_json,
        plan_to_json,
        task_from,
    )
    from parallel_orchestra.plan.loading import (
        BACKENDS,
        MAX_BYTES,
        SCHEMA_FILE,
        contents,
        is_folder,
        joining_id,
        load,
        parse,
        read_cpo,
        read_joining,
        source_and_project,
    )
else:
    __getattr__, __dir__ = door(
        __name__,
        canonical="fingerprint fingerprints merge_from_json plan_from_json plan_to_json task_from",
        loading="BACKENDS MAX_BYTES SCHEMA_FILE contents is_folder joining_id load parse read_cpo "
        "read_joining source_and_project",
    )

__all__ = [
    "BACKENDS",
    "MAX_BYTES",
    "SCHEMA_FILE",
    "contents",
    "fingerprint",
    "fingerprints",
    "is_folder",
    "joining_id",
    "load",
    "merge_from_json",
    "parse",
    "plan_from_json",
    "plan_to_json",
    "read_cpo",
    "read_joining",
    "source_and_project",
    "task_from",
]
