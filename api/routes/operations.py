"""For operators: alive, ready, Prometheus metrics."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from api.routes.access import Parts

router = APIRouter(tags=["operations"])


@router.get("/health", summary="Alive")
async def health() -> dict[str, str]:
    """Answers while the process serves requests."""
    return {"status": "ok"}


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
