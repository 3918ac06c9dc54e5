"""Locks carry names, versions and hashes, and no address of any registry."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-extras.lock", "api/ui/package-lock.json"]


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert [line for line in text.splitlines() if re.search(r'https?://|git\+|file:|"resolved"', line)] == []


@pytest.mark.parametrize("name", LOCKS[:3])
def test_every_requirement_is_pinned_with_a_hash(name: str) -> None:
    entries = [e for e in re.split(r"\n(?=\S)", (ROOT / name).read_text()) if e and not e.startswith("#")]
    assert len(entries) > 50
    assert [e.splitlines()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e] == []
