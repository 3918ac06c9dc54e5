"""Output formats: their media types, and which may be sent piece by piece."""

_BINARY = "application/octet-stream"
_TYPES = {
    "arrow": "application/vnd.apache.arrow.file",
    "arrowstream": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "csvwithnamesandtypes": "text/csv; charset=UTF-8; header=present",
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "jsoncompacteachrow": "application/x-ndjson; charset=UTF-8",
    "native": _BINARY,
    "parquet": "application/vnd.apache.parquet",
    "rowbinary": _BINARY,
    "rowbinarywithnames": _BINARY,
    "rowbinarywithnamesandtypes": _BINARY,
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnames": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnamesandtypes": "text/tab-separated-values; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
}
# The engine writes each piece as a result of its own: only where results of these may follow each other is the whole the same.
_SEPARABLE = {
    "native",
    "tabseparated",
    "tsv",
    "tabseparatedraw",
    "tsvraw",
    "csv",
    "rowbinary",
    "jsoneachrow",
    "jsoncompacteachrow",
}


def content_type(name: str) -> str:
    """The media type of an output format."""
    return _TYPES.get(name.lower(), "text/plain; charset=UTF-8")


def is_separable(name: str) -> bool:
    """Whether the pieces that the engine hands out may be sent one after the other."""
    return name.lower() in _SEPARABLE


# Its head is written even when there are no rows: the number of columns, their names, their types.
DESCRIBING_FORMAT = "RowBinaryWithNamesAndTypes"


def empty_native_block(described: bytes) -> bytes:
    """A block of no rows with the columns of a result in DESCRIBING_FORMAT; the engine writes nothing at all in their stead."""
    columns, position = _read_number(described, 0)
    texts: list[bytes] = []
    for _ in range(2 * columns):
        length, start = _read_number(described, position)
        texts.append(described[position : start + length])
        position = start + length
    pairs = zip(texts[:columns], texts[columns:], strict=True)
    return described[: _read_number(described, 0)[1]] + b"\0" + b"".join(name + kind for name, kind in pairs)


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length number and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
