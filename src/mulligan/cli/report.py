"""``mulligan report``: write a run as one page."""

from tyro.conf import Positional

from mulligan.cli.document import Document
from mulligan.cli.options import File, Folder, Force


def command(run: Positional[Folder], *, out: File = None, force: Force = False) -> Document:
    """Write the report of a run: one HTML file that works offline, light and dark, on paper and on a phone.

    `mulligan train` and `mulligan resume` write the report when they end. Use this command after `mulligan evaluate`,
    to show the new figures. A run that was stopped or failed has a report too.

    Example:
    $ mulligan report runs/quick-1
    $ mulligan report runs/quick-1 --out for-the-record.html

    Parameters
    ----------
    run
        The run folder.
    out
        The file (default: report.html in the run folder).
    """
    from mulligan.cli.outputs import protected
    from mulligan.doors.write import check_out
    from mulligan.report import write_report
    from mulligan.training import RunFolder

    usual = RunFolder.of(run).report
    if out is not None and not (out.exists() and usual.exists() and out.samefile(usual)):
        check_out([out], [".html"], protected(out), force=force)
    path = write_report(run, out)
    return Document({"run": str(run), "report": str(path), "bytes": path.stat().st_size}, [str(path)])
