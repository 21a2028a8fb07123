"""Write a run as one HTML page that opens from the disk: `write_report`.

- `report`: writes the page, with `page.html` and `page.css`; start here. `story`: reads the run folder.
- `sections`: the figures and words, and the verdict. `curves`: the list of charts.
"""

from mulligan.report.report import page, write_report
from mulligan.report.sections import Verdict, verdict
from mulligan.report.story import Story, read

__all__ = ["Story", "Verdict", "page", "read", "verdict", "write_report"]
