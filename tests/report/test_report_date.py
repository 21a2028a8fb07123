"""When a report was made, written by what the calendar of every system knows."""

import re
from datetime import datetime

from mulligan.report import write_report


class Elsewhere(datetime):
    """A clock where a day cannot be written without its 0, as on Windows."""

    def strftime(self, words):
        if "%-" in words:
            raise ValueError("Invalid format string")
        return super().strftime(words)


def test_the_date_of_a_report(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("mulligan.report.report.datetime", Elsewhere)
    text = write_report(finished, tmp_path / "r.html").read_text(encoding="utf-8")
    told = re.search(r'<time datetime="([^"]+)">(\d+) (\w+) (\d+), (\d+):(\d+) ', text)
    assert told is not None
    made = datetime.fromisoformat(told[1])
    assert told.groups()[1:] == (str(made.day), f"{made:%B}", str(made.year), f"{made:%H}", f"{made:%M}")
