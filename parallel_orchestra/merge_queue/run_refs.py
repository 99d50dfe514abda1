"""The refs of a run: fences, remembered merges, kept work, the integration branch."""

from parallel_orchestra.frozen import frozen


@frozen
class RunRefs:
    """The full names of a run's refs; `integration` is a branch."""

    run: str
    integration: str

    @property
    def branch(self) -> str:
        """The integration branch's short name."""
        return self.integration.removeprefix("refs/heads/")

    @property
    def prefix(self) -> str:
        """What all refs of this run but its branches begin with."""
        return f"refs/orchestra/{self.run}/"

    def claim(self, task: str) -> str:
        """The fence: its value is the token of the one claim that may merge."""
        return f"{self.prefix}claim/{task}"

    def merged(self, task: str) -> str:
        """Remembers a task's merge commit, also if the branch is rewritten later."""
        return f"{self.prefix}merged/{task}"

    @property
    def delivering(self) -> str:
        """There while the user's checkout is being moved to its commit: a note for after a crash."""
        return f"{self.prefix}delivering"

    @property
    def proposed(self) -> str:
        """Remembers the commit that was last pushed for a pull request, once all of that was done."""
        return f"{self.prefix}proposed"

    def original(self, task: str, generation: int) -> str:
        """Keeps a task's commits as its agent made them, if others stand for them on the branch."""
        return f"{self.prefix}original/{task}/{generation}"

    def salvage(self, task: str, number: int, owner: str) -> str:
        """Keeps what an attempt left behind without merging it."""
        return f"{self.prefix}salvage/{task}/{number}.{owner}"

    def candidate(self, task: str, number: int, owner: str) -> str:
        """Keeps what an attempt made while it is judged."""
        return f"{self.prefix}candidate/{task}/{number}.{owner}"

    @property
    def kept_prefix(self) -> str:
        """What all branches of this run for work that conflicts begin with."""
        return f"refs/heads/orchestra-kept/{self.branch.removeprefix('orchestra/')}"

    def kept(self, task: str, number: int) -> str:
        """A branch for work that conflicts, where a person can resolve it."""
        return f"{self.kept_prefix}/{task}-{number}"
