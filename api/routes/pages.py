"""The pages that `make ui` builds, served from api/static; any path that is no file is the page's own routing."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from api.errors import NotFound

STATIC = Path(__file__).parents[1] / "static"
RESERVED = ("api/", "dagster/", "health", "ready", "metrics", "docs", "openapi.json")
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Paceline</title>
<h1>The pages are not built yet</h1>
<p>Run <code>make ui</code> in the project's folder and load this page again. The API itself works:
see <a href="/docs">/docs</a>.</p>
</html>"""

router = APIRouter(include_in_schema=False)


@router.get("/{path:path}")
def page(path: str, request: Request) -> Response:
    """A built file, or the page itself."""
    if path.startswith(RESERVED):
        raise NotFound("Nothing lives at this address.")
    static: Path = getattr(request.app.state, "static", STATIC)
    index = static / "index.html"
    if not index.is_file():
        return HTMLResponse(MISSING, 503, headers={"Cache-Control": "no-store"})
    if "\x00" not in path and path:
        wanted = (static / path).resolve()
        if wanted.is_relative_to(static.resolve()) and wanted.is_file() and wanted != index:
            return FileResponse(wanted, headers={"Cache-Control": _keep(path)})
        if path.startswith("assets/"):
            raise NotFound("There is no such file.")
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def _keep(path: str) -> str:
    # names in assets/ carry a hash of their content
    return "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
