"""Where a program is that a child is to run.

The helper program (`reaper`) loads this file by itself, outside the package.
"""

import os


def found(name: str, path: str, cwd: str) -> str | None:
    """Returns where the program of that name is, by this PATH; None if there is none.

    A name with a slash is a path, relative to `cwd`, as is an empty or relative PATH entry.
    """
    folders = [""] if os.sep in name else path.split(os.pathsep)
    for folder in folders:
        # nearly all folders of a PATH are absolute
        place = f"{folder}/{name}" if folder[:1] == "/" else os.path.join(cwd, folder, name)
        if name and os.access(place, os.X_OK) and not os.path.isdir(place):
            return place
    return None
