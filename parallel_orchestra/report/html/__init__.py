"""The report that people show to others: one page of HTML that needs nothing else.

`page` joins what the other rooms compute: `lanes` and `scale` the timeline, `network` and `levels`
the graph of tasks, `views` what is shown of tasks and of what their attempts left.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.report.html.page import FRAME, parts, render
else:
    __getattr__, __dir__ = door(__name__, page="FRAME parts render")

__all__ = ["FRAME", "parts", "render"]
