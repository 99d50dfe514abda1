"""`python -m parallel_orchestra`: the same as the command `parallel-orchestra`."""

import sys

from parallel_orchestra.cli import main

if __name__ == "__main__":
    sys.exit(main())
