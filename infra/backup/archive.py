"""The folder of a backup: its files, and the manifest that names each with its digest. What has no manifest is no backup."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.errors import PacelineError

FORMAT = 1
MANIFEST = "manifest.json"
Progress = Callable[[str, int, int], None]
"""Told of what is being done, how much of it is done and how much there is."""


class FileRecord(msgspec.Struct, frozen=True):
    """One file of a backup."""

    sha256: str
    bytes: int
    rows: int


class PartitionRecord(msgspec.Struct, frozen=True):
    """One partition as far as it was copied: its messages have offsets from `low` to below `high`."""

    topic: str
    partition: int
    low: int
    high: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, and of which moment."""

    format: int
    program: str
    began_at_ms: int
    of_ms: int
    """The moment whose state it holds: all that was acknowledged before is in it."""
    control_plane_revision: str
    warehouse_version: int
    partitions: tuple[PartitionRecord, ...]
    files: dict[str, FileRecord]
    sequences: dict[str, int] = {}
    """Of the control plane: the last number that each has given."""


class ArchiveWriter:
    """Files of a backup that is being made, under a name that nobody takes for a finished one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, int] = {}

    def file(self, name: str) -> Path:
        """Where the file with this name (parts separated by `/`) shall be written."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def written(self, name: str, rows: int) -> None:
        """It is complete."""
        self._rows[name] = rows

    def records(self) -> dict[str, FileRecord]:
        return {name: _record(self._folder / name, rows) for name, rows in sorted(self._rows.items())}


@contextmanager
def new_archive(target: Path) -> Iterator[tuple[ArchiveWriter, Callable[[Manifest], None]]]:
    """A writer, and what ends it with a manifest. Without an end, or when the block fails, nothing is left at `target`."""
    partial = target.with_name(f"{target.name}.partial")
    for taken in (target, partial):
        if taken.exists():
            raise PacelineError(f"{taken} is there already", "Name a folder that does not exist yet.")
    try:
        partial.mkdir(parents=True, mode=0o700)
    except OSError as failure:
        raise PacelineError(f"The folder {partial} cannot be made: {failure.strerror}", "Name another place.") from None
    ended = False

    def end(manifest: Manifest) -> None:
        nonlocal ended
        (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        partial.rename(target)
        ended = True

    try:
        yield ArchiveWriter(partial), end
    except OSError as failure:
        raise PacelineError(f"The backup could not be written: {failure}", "Is there room on the disk?") from failure
    finally:
        if not ended:
            shutil.rmtree(partial, ignore_errors=True)


class Archive:
    """A finished backup. Raises PacelineError when there is none at `folder`, or one that this program cannot read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError) as failure:
            remedy = "A backup is a folder with a manifest.json, as `paceline backup` makes it."
            raise PacelineError(f"{folder} holds no backup: {failure}", remedy) from None
        if self.manifest.format != FORMAT:
            problem = f"{folder} was made by Paceline {self.manifest.program} in format {self.manifest.format}"
            raise PacelineError(f"{problem}; this program reads format {FORMAT}", "Restore with the program that made it.")

    def path(self, name: str) -> Path:
        return self.folder / name

    def names(self, folder: str) -> list[str]:
        """The files in a folder of the archive, by name."""
        return [name for name in self.manifest.files if name.startswith(f"{folder}/")]

    def rows(self, name: str) -> int:
        return self.manifest.files[name].rows

    def check(self, progress: Progress) -> None:
        """Read every file and compare it with its digest. Raises PacelineError that names those that differ."""
        wrong = []
        for done, (name, record) in enumerate(self.manifest.files.items()):
            progress("checking", done, len(self.manifest.files))
            path = self.folder / name
            if not path.is_file() or _record(path, record.rows) != record:
                wrong.append(name)
        progress("checking", len(self.manifest.files), len(self.manifest.files))
        if wrong:
            problem = f"The backup in {self.folder} is damaged: {', '.join(wrong)}"
            raise PacelineError(problem, "Take another copy of it, or an older backup.")


def _record(path: Path, rows: int) -> FileRecord:
    with path.open("rb") as file:
        return FileRecord(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size, rows)
