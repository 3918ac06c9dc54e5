"""XML from strangers, read without entities, document types or network, and without keeping the tree."""

import io
import re
from collections.abc import Iterator

from lxml import etree

from ingest.parsers.recording import UnreadableRecording

DECLARED_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; empty for comments and instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def encoding_of(data: bytes) -> str | None:
    """None lets the parser decide; old exporters that say UTF-8 and write Windows-1252 are read as that."""
    declared = DECLARED_ENCODING.match(data)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or (declared and declared[1].lower() not in {b"utf-8", b"utf8"}):
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return "windows-1252"
    return None


def finished_elements(data: bytes, file: str, names: frozenset[str]) -> Iterator[tuple[str, etree._Element]]:
    """Local name and element, in the order in which the elements with these names end. What was yielded may be cleared."""
    try:
        events = etree.iterparse(
            io.BytesIO(data),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            encoding=encoding_of(data),
        )
        first = True
        for event, element in events:
            if first:
                refuse_document_type(element, file)
                first = False
            if event == "end" and local_name(element) in names:
                yield local_name(element), element
    except etree.XMLSyntaxError as fault:
        line, column = fault.position
        raise UnreadableRecording(file, f"at line {line}, column {column}", f"it is not valid XML: {fault.msg}") from None


def refuse_document_type(root: etree._Element, file: str) -> None:
    """Activity files have no DOCTYPE; one that has is an attempt at something else."""
    if root.getroottree().docinfo.doctype:
        raise UnreadableRecording(file, "before the root element", "it has a DOCTYPE, which activity files never need")


def forget(element: etree._Element) -> None:
    """Free an element and the siblings before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
