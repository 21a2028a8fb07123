"""Locks on files, of which a browser has no use: nobody else can open them."""

LOCK_EX, LOCK_NB = 2, 4


def flock(file: object, how: int) -> None:
    """Lock a file."""
