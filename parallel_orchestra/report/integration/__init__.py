"""The integration report of a `cpo` folder as a page of its own, which is written into the folder."""

from parallel_orchestra.report.integration.page import OURS, render

__all__ = ["OURS", "render"]
