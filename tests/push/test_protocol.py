"""docs/protocol.md says what the code does."""

import re
from pathlib import Path

import pytest

from api.push import protocol
from api.push.channel_names import Kind
from api.push.door import decode_frame
from api.push.protocol import COMES_BACK, ClientFrame, CloseCode
from tests.running import ROOT

TEXT = (ROOT / "docs" / "protocol.md").read_text()
SOURCES = "\n".join(path.read_text() for path in Path(ROOT / "api" / "push").glob("*.py"))


def section(title: str) -> str:
    return TEXT.split(f"## {title}")[1].split("\n## ")[0]


def blocks(text: str) -> list[str]:
    """The JSON objects in a section's code blocks; each begins a line."""
    found = "\n".join(re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    return re.split(r"\n(?=\{)", found.strip())


@pytest.mark.parametrize("example", [*blocks(section("Messages from the client")), blocks(section("Opening"))[0]])
def test_every_documented_client_frame_is_understood(example: str) -> None:
    decode_frame(example)


def test_every_client_frame_is_documented() -> None:
    documented = {decode_frame(block).__class__ for block in blocks(section("Messages from the client"))}
    assert documented | {protocol.Hello} == set(ClientFrame.__args__)


def test_every_message_of_the_server_is_documented() -> None:
    sent = set(re.findall(r'"type": "([a-z_]+)"', SOURCES)) | set(re.findall(r'Frame\("([a-z_]+)"', SOURCES))
    sent |= {"alert", "session_event", "message"}  # encoded with their offsets in front, by kind
    documented = set(re.findall(r'^\{"type": "([a-z_]+)"', section("Messages from the server"), re.MULTILINE))
    assert documented | {"welcome"} == sent
    assert '{"type": "welcome"' in section("Opening")


def test_the_table_of_close_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (44\d\d) \| .* \| (.*) \|$", section("Closing"), re.MULTILINE)
    assert {int(code): back != "no" for code, back in rows} == {code: code in COMES_BACK for code in CloseCode}


def test_every_kind_of_channel_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z]+):<", TEXT, re.MULTILINE))
    assert documented == set(Kind.__args__)  # type: ignore[attr-defined]  # what Literal keeps its values in
