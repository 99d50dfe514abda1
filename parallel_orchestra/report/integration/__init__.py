"""The integration report of a `cpo` folder: what was merged, held against what was agreed.

`found_of` asks git and the attempts, `render` makes Markdown of it. Nothing is written here.
"""

from parallel_orchestra.report.integration.found import found_of
from parallel_orchestra.report.integration.page import OURS, render

__all__ = ["OURS", "found_of", "render"]
