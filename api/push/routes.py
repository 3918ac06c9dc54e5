"""The route of the live WebSocket. The application keeps its hub in `app.state.hub`."""

from fastapi import APIRouter, WebSocket

from api.push.door import serve

router = APIRouter()


@router.websocket("/api/v1/live/ws")
async def live(websocket: WebSocket) -> None:
    """Everything live, as docs/protocol.md says."""
    await serve(websocket.app.state.hub, websocket)
