"""Write a run as one HTML page that opens from the disk: `write_report`.

- `report`: writes the page, with `page.html`, `page.css`, `page.js`; start here. `story`: reads the run folder.
- `verdict`: a sentence on how good the samples are. `sections`: the figures and words. `quality`: the table of metrics.
- `again`: the command that repeats the run.
- `curves`: the list of charts, and the line of tries. `charts` with `chart.html`: one chart. `pictures`: samples.
"""

from mulligan.report.report import page, write_report
from mulligan.report.story import Story, read
from mulligan.report.verdict import Verdict, verdict

__all__ = ["Story", "Verdict", "page", "read", "verdict", "write_report"]
