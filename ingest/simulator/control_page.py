"""The demo's switchboard: a local page with a network switch for each strap, and the same as a small HTTP API."""

from html import escape

import msgspec
from fastapi import FastAPI, Request, Response
from msgspec import Struct

from ingest.simulator.straps import Strap
from schemas.unreadable import UNREADABLE

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Strap network – {title}</title>
<link rel="stylesheet" href="/control.css"><script src="/control.js" defer></script>
</head>
<body>
<main>
<h1>Strap network: {title}</h1>
<p>These members are simulated. Switch a strap’s network off and watch its card grow stale; what it {what} while off
{then} when you switch it on again.</p>
<p id="said" role="status"></p>
<table>
<caption>Straps by member</caption>
<thead><tr><th scope="col">Member</th><th scope="col">Network</th><th scope="col">Waiting events</th></tr></thead>
<tbody>{rows}</tbody>
</table>
</main>
</body>
</html>
"""
ROW = (
    '<tr data-member="{id}"><th scope="row">{name}</th><td><button type="button" role="switch" aria-checked="{on}" '
    'aria-label="Network of {name}’s strap">{word}</button></td><td>{waiting}</td></tr>'
)
SCRIPT = """'use strict';
const said = document.getElementById('said');
function show(strap) {
  const row = document.querySelector(`tr[data-member="${strap.member_id}"]`);
  if (!row) return;
  const button = row.querySelector('button');
  button.setAttribute('aria-checked', String(strap.online));
  button.textContent = strap.online ? 'on' : 'off';
  row.lastElementChild.textContent = strap.waiting;
}
document.querySelector('tbody').addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  const online = button.getAttribute('aria-checked') !== 'true';
  const id = button.closest('tr').dataset.member;
  try {
    const answer = await fetch(`/straps/${id}`, {
      method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({online})});
    if (!answer.ok) throw new Error(await answer.text());
    const strap = await answer.json();
    show(strap);
    said.textContent = `${strap.name}: network ${strap.online ? 'on' : 'off'}`;
  } catch (fault) { said.textContent = `Not switched: ${fault.message}`; }
});
setInterval(async () => {
  try { (await (await fetch('/straps')).json()).straps.forEach(show); }
  catch { said.textContent = 'The simulator has ended.'; }
}, 1000);
"""
STYLE = """:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 42rem; margin: 1rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
tbody th { font-weight: 400; }
button { min-width: 4rem; min-height: 2.25rem; font: inherit; border: 2px solid currentColor; border-radius: .4rem;
  background: transparent; color: inherit; cursor: pointer; }
button[aria-checked="true"] { background: #0a6b3d; color: #fff; border-color: #0a6b3d; }
"""


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST."""

    online: bool


def control_app(title: str, straps: list[Strap]) -> FastAPI:
    """The page over these straps. It answers to local names only, and changes nothing for other sites' pages."""
    app = FastAPI(title="Simulated straps", docs_url=None, redoc_url=None, openapi_url=None)
    by_member = {strap.member_id: strap for strap in straps}

    @app.get("/")
    async def page(request: Request) -> Response:
        return _answer(request, _page(title, straps), "text/html; charset=utf-8")

    @app.get("/control.js")
    async def script(request: Request) -> Response:
        return _answer(request, SCRIPT, "text/javascript; charset=utf-8")

    @app.get("/control.css")
    async def style(request: Request) -> Response:
        return _answer(request, STYLE, "text/css; charset=utf-8")

    @app.get("/straps")
    async def listed(request: Request) -> Response:
        return _answer(request, msgspec.json.encode({"straps": [_shown(strap) for strap in straps]}))

    @app.post("/straps/{member_id}")
    async def switch(request: Request, member_id: int) -> Response:
        strap = by_member.get(member_id)
        if strap is None:
            return Response('{"detail":"no such member in this class"}', 404, HEADERS, "application/json")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Response('{"detail":"send application/json"}', 415, HEADERS, "application/json")
        try:
            wish = msgspec.json.decode(await request.body(), type=Switch)
        except UNREADABLE:
            return Response('{"detail":"send {\\"online\\": true} or false"}', 422, HEADERS, "application/json")
        if _is_local(request):
            strap.online = wish.online
        return _answer(request, msgspec.json.encode(_shown(strap)))

    return app


def _is_local(request: Request) -> bool:
    """Other names for this machine may be a foreign page's trick (DNS rebinding)."""
    return request.headers.get("host", "").rpartition(":")[0] in LOCAL_HOSTS


def _answer(request: Request, content: str | bytes, media: str = "application/json") -> Response:
    if not _is_local(request):
        return Response('{"detail":"ask for localhost"}', 421, HEADERS, "application/json")
    return Response(content, 200, HEADERS, media)


def _shown(strap: Strap) -> dict[str, object]:
    return {"member_id": strap.member_id, "name": strap.name, "online": strap.online, "waiting": strap.waiting}


def _page(title: str, straps: list[Strap]) -> str:
    rows = "".join(
        ROW.format(
            id=strap.member_id,
            name=escape(strap.name),
            on=str(strap.online).lower(),
            word="on" if strap.online else "off",
            waiting=strap.waiting,
        )
        for strap in straps
    )
    stores = all(strap.stores for strap in straps)
    what, then = ("measures", "is sent late") if stores else ("would have measured", "stays missing")
    return PAGE.format(title=escape(title), rows=rows, what=what, then=then)
