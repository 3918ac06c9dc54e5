"""Runs the cells of a notebook in one process and keeps what they show as text, as Jupyter would store it."""

import ast
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from infra.settings import Settings, child_environment
from tests.running import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "a-class-in-polars.ipynb"


def environment_of(settings: Settings) -> dict[str, str]:
    """What the notebook's process sees: the settings, and tables as wide as they are."""
    return child_environment(settings) | {"PYTHONHASHSEED": "0"}


def as_run(notebook: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The notebook with the outputs of a run from top to bottom; a cell that raises ends it with its traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.questions.notebook"],
        input=json.dumps(notebook).encode(),
        env=dict(environment),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert not done.returncode, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written(notebook: dict[str, Any]) -> str:
    """As it stands in its file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _run_all(notebook: dict[str, Any]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        cell["execution_count"] = number
        cell["outputs"] = _run("".join(cell["source"]), names, number)


def _run(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Statements, then the last expression, whose value is shown unless a semicolon ends it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names) if last else None
    outputs: list[dict[str, Any]] = []
    if said := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": said.splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


if __name__ == "__main__":
    document = json.load(sys.stdin)
    _run_all(document)
    json.dump(document, sys.stdout)
