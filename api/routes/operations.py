"""For operators: alive, ready, Prometheus metrics."""

from typing import Any

import anyio
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.routes.access import Parts

router = APIRouter(tags=["operations"])


@router.get("/health", summary="Alive")
async def health() -> dict[str, str]:
    """Answers while the process serves requests."""
    return {"status": "ok"}


@router.get("/ready", summary="Ready", responses={503: {"description": "`checks` names what is missing"}})
async def ready(services: Parts) -> Response:
    """Whether PostgreSQL, Kafka and the warehouse answer, the live hub has caught up and the outbox is seen to."""
    checks: dict[str, bool] = {"hub": services.hub.ready(), "outbox": services.relay.alive()}

    async def check(name: str, ask: Any) -> None:
        checks[name] = await run_in_threadpool(ask)

    async with anyio.create_task_group() as group:
        group.start_soon(check, "postgres", services.postgres_answers)
        group.start_soon(check, "kafka", services.kafka.answers)
        group.start_soon(check, "warehouse", services.warehouse.answers)
    good = all(checks.values())
    return JSONResponse({"status": "ready" if good else "not ready", "checks": checks}, 200 if good else 503)


@router.get("/metrics", summary="Prometheus metrics")
def prometheus() -> Response:
    """What infra/telemetry/metrics.py describes."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
