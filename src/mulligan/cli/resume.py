"""``mulligan resume``: go on with a run."""

from contextlib import suppress

from tyro.conf import Positional

from mulligan import training
from mulligan.cli.options import Folder, Json, Steps
from mulligan.doors.say import say
from mulligan.output.figures import count


def command(run: Positional[Folder], *, steps: Steps = None, json: Json = False) -> int:
    """Resume a run exactly where it stopped, after Ctrl-C, a kill, a full disk or a power cut.

    With the same machine, NumPy build and number of threads, the result has the same bytes as without the stop.

    Example:
    $ mulligan resume runs/quick-1
    $ mulligan resume runs/quick-1 --steps 20000

    Parameters
    ----------
    run
        The run folder.
    steps
        A new length for the run. Its schedules are stretched over it.
    """
    from mulligan.cli.follow import follow

    with suppress(OSError):  # the recorder reports it
        training.RunFolder.of(run).hold().close()  # raises BusyError if another process trains the run
    resumed = training.resume(run, steps=steps)
    say(f"going on from step {count(resumed.step)} of {count(resumed.config.steps)}")
    return follow(resumed, training.Recorder(run), run, json=json)
