"""A backup is whole or not there, and what was changed in it is noticed."""

from pathlib import Path

import pytest

from infra.backup.archive import FORMAT, MANIFEST, Archive, Manifest, new_archive
from infra.errors import PacelineError


def silent(_what: str, _done: int, _most: int) -> None:
    return None


def make(target: Path) -> Archive:
    with new_archive(target) as (archive, end):
        archive.file("postgres/users.copy.zst").write_bytes(b"two people")
        archive.written("postgres/users.copy.zst", 2)
        end(Manifest(FORMAT, "0.1.0", 1_000, 2_000, "0002", 4, (), archive.records()))
    return Archive(target)


def test_a_finished_backup_tells_what_it_holds(tmp_path: Path) -> None:
    archive = make(tmp_path / "copy")
    archive.check(silent)
    assert archive.names("postgres") == ["postgres/users.copy.zst"]
    assert archive.rows("postgres/users.copy.zst") == 2
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PacelineError, match="could not be written"), new_archive(tmp_path / "copy"):
        raise OSError("No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    make(tmp_path / "copy")
    with pytest.raises(PacelineError, match="is there already"), new_archive(tmp_path / "copy"):
        raise AssertionError("the block must not run")


@pytest.mark.parametrize("damage", [b"", b"two peoplf", None])
def test_a_changed_or_missing_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    archive = make(tmp_path / "copy")
    file = archive.path("postgres/users.copy.zst")
    file.unlink() if damage is None else file.write_bytes(damage)
    with pytest.raises(PacelineError, match=r"is damaged: postgres/users\.copy\.zst"):
        archive.check(silent)


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_what_is_no_manifest_is_no_backup(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(PacelineError, match="holds no backup"):
        Archive(tmp_path)


def test_another_format_is_left_to_the_program_that_wrote_it(tmp_path: Path) -> None:
    folder = make(tmp_path / "copy").folder
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace(f'"format": {FORMAT}', '"format": 99'))
    with pytest.raises(PacelineError, match="in format 99; this program reads format 1"):
        Archive(folder)
