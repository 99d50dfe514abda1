"""Where copies of an agent's two streams go, if the user wants them."""

from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.store import Claim
from parallel_orchestra.worker.shop import Shop


def copies_of(shop: Shop, claim: Claim) -> tuple[Path | None, Path | None]:
    """Returns the files that get the streams of an attempt besides, begun for it; None for none.

    Raises:
        OSError: the disk is full or read-only.
    """
    folder = shop.log_dir
    if folder is None:
        return None, None
    if shop.plan.cpo:
        # both streams in one file, as that format has it
        copies = (folder / f"{claim.task}.log",) * 2
    else:
        copies = (folder / f"{claim.task}-stdout.log", folder / f"{claim.task}-stderr.log")
    for copy in dict.fromkeys(copies):
        if claim.attempt == 1:
            copy.unlink(missing_ok=True)
            # There for every task, also for one that says nothing.
            files.append(copy, b"")
        else:
            heading = f"\n===== retry attempt {claim.attempt - 1} =====\n"
            files.append(copy, heading.encode())
    return copies[0], copies[1]
