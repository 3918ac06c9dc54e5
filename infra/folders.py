"""The home and its folders, closed to the other users of the machine: heart rates are nobody else's business.

Processes that the supervisor starts make theirs closed by their umask (see embedded/launch.py).
"""

import os
from pathlib import Path

CLOSED = ("kafka", "warehouse", "flows", "logs", "secrets")
PRIVATE, PASSABLE = 0o700, 0o711


def make_home(home: Path) -> None:
    """Make it when it is missing; one that is there keeps its mode, since it may hold other things.

    Under root the servers that refuse root run as `nobody`, who must be able to walk through, though not to look.
    """
    home.mkdir(parents=True, exist_ok=True, mode=_walk_through())


def close_folders(home: Path) -> None:
    """Make the home and its `run`, and close what an earlier start left open."""
    make_home(home)
    run = home / "run"
    run.mkdir(exist_ok=True)
    run.chmod(_walk_through())
    for folder in (home / name for name in CLOSED):
        if folder.is_dir():
            folder.chmod(PRIVATE)


def _walk_through() -> int:
    return PASSABLE if os.geteuid() == 0 else PRIVATE
