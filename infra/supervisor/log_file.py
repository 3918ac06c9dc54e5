"""A child's log: the child appends to it directly, so neither waits for the other; it is cut before it grows too large."""

import shutil
from pathlib import Path
from typing import BinaryIO

LARGEST_BYTES = 10 * 1_048_576
OLDER_KEPT = 3
LAST_LINES = 15


class LogFile:
    """`<name>.log`, with `<name>.log.1` (the newest) to `.3` before it."""

    def __init__(self, folder: Path, name: str, largest_bytes: int = LARGEST_BYTES) -> None:
        self.path = folder / f"{name}.log"
        self._largest_bytes = largest_bytes

    def open(self) -> BinaryIO:
        """For appending, which is what lets `cut` empty it under the writer."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.path.open("ab")

    def cut(self) -> None:
        """Copy and empty it when it is too large. Lines written during the copy's last moment may be lost."""
        if not self.path.exists() or self.path.stat().st_size <= self._largest_bytes:
            return
        for number in range(OLDER_KEPT, 1, -1):
            older = self.path.with_suffix(f".log.{number - 1}")
            if older.exists():
                older.rename(self.path.with_suffix(f".log.{number}"))
        shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
        with self.path.open("r+b") as file:
            file.truncate()

    def last_words(self) -> str:
        """The end of it, for people."""
        if not self.path.exists():
            return "(nothing)"
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 8_192))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:]) or "(nothing)"
