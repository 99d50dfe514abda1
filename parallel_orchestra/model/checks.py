"""What a plan names to be run on the merged result for its integration report."""

from collections.abc import Iterator

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model.command import Command

#: Seconds that one of them may take if the plan does not say.
DEFAULT_CHECK_TIMEOUT = 1800.0


@frozen
class Checks:
    """A command each for tests, types and lint; None is not run. `timeout` is for each, in seconds."""

    tests: Command | None = None
    types: Command | None = None
    lint: Command | None = None
    timeout: float = DEFAULT_CHECK_TIMEOUT

    def named(self) -> Iterator[tuple[str, Command]]:
        """Yields those that there are, in the order in which they are run."""
        for name, command in (("tests", self.tests), ("types", self.types), ("lint", self.lint)):
            if command is not None:
                yield name, command


#: Those of a plan that names none.
NO_CHECKS = Checks()
