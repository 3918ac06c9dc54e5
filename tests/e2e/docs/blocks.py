"""The commands that documents tell their readers to type: whole blocks, and those in the middle of a sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.running import ROOT

SHELL = {"paceline", "make", "curl", "export", "docker", "kubectl", "git", ".venv/bin/python"}
"""First words by which a block without a language is known as one for a shell."""
BLOCK = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:paceline|make) [^`]+)`")
WHATEVER = re.compile(r"[A-Z]{2,}|…|\[")
"""What stands for something of the reader's, in a sentence."""


@dataclass(frozen=True)
class Typed:
    """One command as it stands in a document."""

    document: Path
    text: str

    @property
    def words(self) -> list[str]:
        return self.text.split()

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text[:60]}"


def documents() -> list[Path]:
    """What readers read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def in_blocks() -> list[Typed]:
    """Every command of every block for a shell, in the order of the page."""
    return [
        Typed(page, text) for page in documents() for block in BLOCK.finditer(page.read_text()) for text in _commands(block)
    ]


def in_sentences() -> list[Typed]:
    """Every command between backquotes, each once a page."""
    found = (Typed(page, text) for page in documents() for text in INLINE.findall(BLOCK.sub("", page.read_text())))
    return list(dict.fromkeys(found))


def _commands(block: re.Match[str]) -> Iterator[str]:
    language, lines = block["language"], re.sub(r"\\\n\s*", "", block["text"]).splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    typed = prompted or [
        line.split(" # ")[0].split("   #")[0].strip() for line in lines if line.strip() and not line.startswith("#")
    ]
    if language in {"sh", "bash", "console", "shell"} or (not language and typed and typed[0].split()[0] in SHELL):
        yield from typed
