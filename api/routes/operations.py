"""For operators: alive, ready, Prometheus metrics."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from api.live_path.watch import LivePath
from api.routes.access import Parts

router = APIRouter(tags=["operations"])


@dataclass(frozen=True)
class Health:
    """That the process serves, and how the live path stands, as the synthetic member finds it."""

    live_path: LivePath
    status: Literal["ok"] = "ok"


@router.get("/health", summary="Alive")
async def health(services: Parts) -> Health:
    """Answers while the process serves requests. A live path that is slow or broken makes it no less alive: see `live_path`."""
    return Health(services.synthetic.standing())


@router.get("/ready", summary="Ready", responses={503: {"description": "`checks` names what is missing"}})
async def ready(services: Parts) -> Response:
    """Whether PostgreSQL, Kafka and the warehouse answer, the live hub is at the present and what is owed gets published."""
    checks = {"hub": services.hub.ready(), **await services.readiness.now()}
    good = all(checks.values())
    return JSONResponse({"status": "ready" if good else "not ready", "checks": checks}, 200 if good else 503)


@router.get("/metrics", summary="Prometheus metrics")
def prometheus() -> Response:
    """What infra/telemetry/metrics.py describes."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
