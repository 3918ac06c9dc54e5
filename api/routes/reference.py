"""The API's reference at /docs: one page made here, because the usual ones load scripts from elsewhere."""

from html import escape
from re import sub
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Paceline API</title><link rel="stylesheet" href="/docs.css"><main><h1>Paceline API</h1>
<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. Sign in with <code>POST /api/v1/auth/login</code>, then send
<code>Authorization: Bearer …</code>. Errors are <code>application/problem+json</code>. The live socket is
<code>GET /api/v1/live/ws</code>, described in docs/protocol.md.</p>"""
STYLE = """:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:2rem auto;padding:0 1rem}
section{border-top:1px solid #8886;padding:.6rem 0}
h3{font-family:ui-monospace,monospace;font-size:1rem;margin:.3rem 0}h3,td{overflow-wrap:anywhere}
.method{display:inline-block;min-width:4.5rem;font-weight:700}pre{overflow:auto;background:#8882;padding:.6rem}
table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"""


@router.get("/docs")
def reference(request: Request) -> Response:
    """Every call with its parameters and body."""
    document: dict[str, Any] = request.app.openapi()
    by_tag: dict[str, list[str]] = {}
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            by_tag.setdefault(call.get("tags", ["other"])[0], []).append(_call(document, method, path, call))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(calls)}" for tag, calls in by_tag.items())
    return HTMLResponse(f"{HEAD}{sections}</main></html>")


@router.get("/docs.css")
def style() -> Response:
    """The page's style, in a file of its own because the content policy allows no other."""
    return Response(STYLE, media_type="text/css")


def _call(document: dict[str, Any], method: str, path: str, call: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}<td>{escape(_kind(p['schema']))}"
        f"<td>{_prose(p.get('description', ''))}"
        for p in call.get("parameters", [])
    )
    table = f"<table>{rows}</table>" if rows else ""
    return (
        f"<section><h3><span class=method>{method.upper()}</span>{escape(path)}</h3>"
        f"<p><strong>{escape(call.get('summary', ''))}.</strong> {_prose(call.get('description', ''))}</p>{table}"
        f"{_body(document, call)}</section>"
    )


def _prose(text: str) -> str:
    return sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _body(document: dict[str, Any], call: dict[str, Any]) -> str:
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    options = [schema, *schema.get("anyOf", [])]
    name = next((option["$ref"].rsplit("/", 1)[1] for option in options if "$ref" in option), "")
    if not name:
        return ""
    shape = document["components"]["schemas"][name]
    required = shape.get("required", [])
    lines = [f"{field}{'' if field in required else '?'}: {_kind(kind)}" for field, kind in shape["properties"].items()]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([str(schema.get("type", "any")), *bounds])
