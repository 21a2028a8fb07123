"""A run as one page that opens from the disk: `write_report`.

- `report` writes it, with `page.html`, `page.css`, `page.js`; start here. `story`: the run folder, read back.
- `sections`: the figures and words of the page; `quality`: its table of metrics; `again`: the command that repeats it.
- `curves`: which charts there are, and the line of tries; `charts` with `chart.html`: one chart; `pictures`: samples.
"""

from mulligan.report.report import page, write_report
from mulligan.report.story import Story, read

__all__ = ["Story", "page", "read", "write_report"]
