"""No isolation: read-only tasks that work in the project directory itself."""

from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation.workspace import Label, Work, Workspace
from parallel_orchestra.model import NO_SETUP, Setup


@frozen
class InPlace:
    """The project directory, shared by all; what changes there is looked at once, at the end."""

    directory: Path

    def open(
        self,
        base: str,
        label: Label,  # noqa: ARG002
        *,
        carry_claude: bool,  # noqa: ARG002
        setup: Setup = NO_SETUP,  # noqa: ARG002
    ) -> Workspace:
        """Returns the project directory as it is."""
        return Workspace(self.directory, base)

    def setup_due(self, workspace: Workspace, setup: Setup) -> bool:  # noqa: ARG002
        """Returns False: it is the user's, and set up as the user likes."""
        return False

    def set_up(self, workspace: Workspace, setup: Setup) -> Workspace:  # noqa: ARG002
        """Returns the workspace as it is."""
        return workspace

    def set_up_as(self) -> Setup:
        """Returns no set-up."""
        return NO_SETUP

    def taken_down(self) -> None:
        """Does nothing."""

    def bring(self, workspace: Workspace, content: str) -> bool:  # noqa: ARG002
        """Brings nothing: the directory is the user's."""
        return False

    def take(self, workspace: Workspace) -> Work:
        """Returns nothing: the directory is the user's."""
        return Work("", workspace.base, changed=False)

    def keep(self, work: Work, ref: str, message: str) -> str:  # noqa: ARG002
        """Keeps nothing, since nothing was taken."""
        return ""

    def settled(self) -> None:
        """Does nothing: there is nothing to save."""

    def save(self) -> str:
        """Saves nothing."""
        return ""
