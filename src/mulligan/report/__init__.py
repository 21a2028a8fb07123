"""Write a run as one HTML page that opens from the disk: `write_report`.

- `report`: writes the page, with `page.html`, `page.css`, `page.js`; start here. `story`: reads the run folder.
- `verdict`: a sentence on how good the samples are. `sections`: the figures and words. `curves`: the list of charts.
"""

from mulligan.report.report import page, write_report
from mulligan.report.story import Story, read
from mulligan.report.verdict import Verdict, verdict

__all__ = ["Story", "Verdict", "page", "read", "verdict", "write_report"]
