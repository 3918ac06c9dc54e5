"""The least that a handler can do: `python -m tests.bench.bare_gateway PORT` decodes a body's events and acknowledges them.

No rights, no doubles, no Kafka, no framework: what uvicorn, the decoder and the answer cost at least.
"""

import sys
from typing import Any

import msgspec
import uvicorn

from schemas.events import DeviceEvent

decode = msgspec.json.Decoder(list[DeviceEvent]).decode
encode = msgspec.json.Encoder().encode


async def application(scope: Any, receive: Any, send: Any) -> None:
    """ASGI: every POST is a batch, every GET is answered with 200."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = encode({"accepted": len(decode(body)) if body else 0, "doubled": 0, "rejected": []})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(
        application, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, lifespan="off"
    )
