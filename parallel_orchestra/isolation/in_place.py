"""No isolation: read-only tasks that work in the project directory itself."""

from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra.isolation.workspace import Label, Work, Workspace


@dataclass(frozen=True, slots=True)
class InPlace:
    """The project directory, shared by all; what changes there is looked at once, at the end."""

    directory: Path

    def open(self, base: str, label: Label, *, carry_claude: bool) -> Workspace:  # noqa: ARG002
        """Returns the project directory as it is."""
        return Workspace(self.directory, base)

    def take(self, workspace: Workspace) -> Work:
        """Returns nothing: the directory is the user's."""
        return Work("", workspace.base, changed=False)

    def keep(self, work: Work, ref: str, message: str) -> str:  # noqa: ARG002
        """Keeps nothing, since nothing was taken."""
        return ""

    def settled(self) -> None:
        """Does nothing: there is nothing to save."""
