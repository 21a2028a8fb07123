"""Train on the bundled digits, event by event: what `mulligan train` does, without its output and files.

    python examples/digits.py                   # recipe `quick`, one to three minutes on two cores
    python examples/digits.py 500 grid.png      # number of steps, and where the last grid goes

`train` is a plain generator. Whatever a program wants to do in between, print, draw, stop, it does in the loop; the run
stands still at every event, and what the loop does never changes it.
"""

import sys

import mulligan
from mulligan.output.pictures import grid, save_png
from mulligan.training import Diagnosed, Diagnosis, Sampled, Stepped


def main(steps=7000, picture="digits.png"):
    """Train, print what happens, save the newest grid, and return the run."""
    run = mulligan.Run(mulligan.recipe("quick", steps=int(steps)))
    for event in mulligan.train(run, observers=[Diagnosis()]):
        if isinstance(event, Stepped):
            means = ", ".join(f"{name} {value:.3f}" for name, value in event.measures.items())
            print(f"step {event.step:,}: {means}")
        elif isinstance(event, Sampled):
            save_png(picture, grid(event.images))  # always z 0 to 63, black is 0 and white 255
        elif isinstance(event, Diagnosed) and event.severity:
            print(f"step {event.step:,}: {event.state}. Try: {'; '.join(event.remedies)}")
    print(f"the grid is in {picture}")
    return run


if __name__ == "__main__":
    main(*sys.argv[1:])
