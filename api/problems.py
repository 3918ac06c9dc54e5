"""The one place where a failure becomes an application/problem+json answer."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.errors import Malformed, NotFound, Problem, TooLarge, TryLater, Unprocessable
from infra.errors import Unavailable
from infra.telemetry.logs import logger

log = logger(__name__)
MEDIA_TYPE = "application/problem+json"


def answer(problem: Problem) -> Response:
    """The problem as a response."""
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(problem.body()), problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every failure of `app` with a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _unavailable)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


def _problem(_request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Problem)  # noqa: S101 # registered for this type only
    return answer(failure)


def _invalid(_request: Request, failure: Exception) -> Response:
    assert isinstance(failure, RequestValidationError)  # noqa: S101 # registered for this type only
    faults = list(_faults(failure.errors()))
    if any(fault["rule"] == "json_invalid" for fault in faults):
        return answer(Malformed("The body is not JSON: " + faults[0]["message"], kind="malformed_json"))
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults[:5])
    return answer(Unprocessable(detail, errors=faults))


def _faults(errors: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, str]]:
    for error in errors:
        place = [str(part) for part in error["loc"]]
        yield {
            "field": ".".join(place[1:]) or place[0],
            "in": place[0],
            "message": str(error["msg"]).removeprefix("Value error, "),
            "rule": str(error["type"]),
        }


def _http(_request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)  # noqa: S101 # registered for this type only
    if failure.status_code == 404:
        return answer(NotFound("Nothing lives at this address."))
    response = answer(_by_status(failure.status_code, str(failure.detail)))
    response.headers.update(failure.headers or {})
    return response


def _by_status(status: int, detail: str) -> Problem:
    if status == 400:
        return Malformed(detail)
    if status == 413:
        return TooLarge("This is more than any request here needs.")
    problem = Problem(detail, kind="http_error")
    problem.status, problem.title = status, detail
    return problem


def _database(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, DBAPIError)  # noqa: S101 # registered for this type only
    # class 08: connection; 57: operator intervention; 53: resources; 55: lock not available; 40: serialization
    lost = isinstance(failure, OperationalError | InterfaceError)  # no answer at all carries no state
    state = str(getattr(failure.orig, "sqlstate", None) or ("08" if lost else ""))
    if failure.connection_invalidated or state[:2] in {"08", "40", "53", "55", "57"}:
        return _unavailable(request, failure)
    return _unexpected(request, failure)


def _unavailable(request: Request, failure: Exception) -> Response:
    log.warning("server_away", path=request.url.path, failure=str(failure)[:300])
    return answer(TryLater("A server behind this one does not answer. Try again in a moment.", retry_after_s=2))


def _unexpected(request: Request, failure: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=failure)
    return answer(Problem("The fault has been logged; trying the same again will hardly help."))
