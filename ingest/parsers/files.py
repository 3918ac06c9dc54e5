"""Any activity file: what it is, seen from its bytes; packed ones are unpacked with a cap."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ingest.parsers.fit import read_fit
from ingest.parsers.gpx import read_gpx
from ingest.parsers.recording import Recording, UnreadableRecording
from ingest.parsers.rr_text import read_rr_text
from ingest.parsers.streams import read_streams
from ingest.parsers.tcx import read_tcx

FILE_BYTES_MAX = 256 * 1_048_576
"""The largest file that is read, packed or unpacked; a day of one-second records is a hundredth of it."""
SUFFIXES = (".fit", ".tcx", ".gpx", ".json", ".txt", ".rr", ".gz", ".zip")
Reader = Callable[[bytes, str], Recording]


def read_recording(path: Path) -> Recording:
    """The recording in a file.

    Raises UnreadableRecording, with file, place and reason, whatever the file holds.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)  # a device or a pipe tells no size beforehand
    except OSError as fault:
        raise UnreadableRecording(str(path), "opening it", fault.strerror or str(fault)) from None
    if len(data) > FILE_BYTES_MAX:
        raise _too_large(str(path))
    return read_bytes(data, str(path))


def read_bytes(data: bytes, file: str) -> Recording:
    """The recording in the bytes of a file called `file`; nothing but UnreadableRecording is raised."""
    try:
        unpacked = _unpack(data, file)
        return _reader(unpacked, file)(unpacked, file)
    except UnreadableRecording:
        raise
    except Exception as fault:
        # the last line of defence: a decoder's own fault on hostile bytes must cost this file only
        raise UnreadableRecording(file, "while reading", f"{type(fault).__name__}: {fault}") from fault


def _reader(data: bytes, file: str) -> Reader:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if data[8:12] == b".FIT" or file.lower().endswith(".fit"):
        return read_fit
    if head[:1] == b"<" or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return read_gpx if b"<gpx" in head or b"<\0g\0p\0x" in head or file.lower().endswith(".gpx") else read_tcx
    if head[:1] in {b"{", b"["}:
        return read_streams
    if head[:1].isdigit() or head[:1] == b"#":
        return read_rr_text
    raise UnreadableRecording(file, "its first bytes", "it is none of FIT, TCX, GPX, JSON streams or text of RR intervals")


def _unpack(data: bytes, file: str) -> bytes:
    if data[:2] == b"\x1f\x8b":
        return _gunzip(data, file)
    if data[:4] == b"PK\x03\x04":
        return _unzip(data, file)
    return data


def _gunzip(data: bytes, file: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(FILE_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise UnreadableRecording(file, "unpacking it", f"it is not valid gzip: {fault}") from None
    if len(unpacked) > FILE_BYTES_MAX:
        raise _too_large(file)
    return unpacked


def _unzip(data: bytes, file: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [name for name in archive.namelist() if name.lower().endswith(SUFFIXES[:6])]
            if len(inside) != 1:
                raise UnreadableRecording(
                    file, f"{len(inside)} activity files inside", "unpack it and name the files one by one"
                )
            with archive.open(inside[0]) as packed:
                unpacked = packed.read(FILE_BYTES_MAX + 1)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error) as fault:
        raise UnreadableRecording(file, "unpacking it", f"it is not a valid zip: {fault}") from None
    if len(unpacked) > FILE_BYTES_MAX:
        raise _too_large(file)
    return unpacked


def _too_large(file: str) -> UnreadableRecording:
    return UnreadableRecording(file, "its size", f"it is larger than {FILE_BYTES_MAX // 1_048_576} MiB")
