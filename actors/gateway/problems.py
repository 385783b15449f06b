"""Every refusal in one shape: problem details (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from actors.gateway.answers import ProblemDetails
from engine.errors import BadInput, PublishFailed, TurntoneError

MEDIA_TYPE = "application/problem+json"
RETRY_S = 1.0
"""When to come again where a server is away."""

_log = logging.getLogger(__name__)


class Problem(Exception):
    """A request that is refused; `name` tells the kind of problem and never changes, `detail` says what to do."""

    def __init__(
        self, status: HTTPStatus, name: str, detail: str, *, retry_after_s: float | None = None, **headers: str
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if retry_after_s is not None:
            self.headers["retry-after"] = str(max(1, round(retry_after_s + 0.5)))


def problem_response(problem: Problem) -> Response:
    """The answer that tells a problem."""
    details = ProblemDetails(
        type=f"urn:turntone:problem:{problem.name}",
        title=problem.name.replace("-", " ").capitalize(),
        status=problem.status,
        detail=problem.detail,
    )
    return JSONResponse(details.model_dump(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Have every error of an app answered as a problem. What nobody foresaw is logged and not told."""

    @app.exception_handler(Problem)
    async def refused(request: Request, error: Problem) -> Response:
        return problem_response(error)

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        problem = Problem(status, status.phrase.lower().replace(" ", "-"), str(error.detail))
        problem.headers.update(error.headers or {})
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        return problem_response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", said))

    @app.exception_handler(TurntoneError)
    async def failed(request: Request, error: TurntoneError) -> Response:
        if isinstance(error, BadInput):
            return problem_response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", str(error)))
        if error.retryable or isinstance(error, PublishFailed):
            unavailable = HTTPStatus.SERVICE_UNAVAILABLE
            return problem_response(Problem(unavailable, "unavailable", str(error), retry_after_s=RETRY_S))
        return _unforeseen(error)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem_response(Problem(status, "internal", "Something failed here; the gateway's log says more."))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These refusals, for the description of a route."""
    content: Mapping[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": ProblemDetails, "content": content}
        for status in statuses
    }
