"""One shape for everything that goes wrong: ``{"error": {"code", "message", "remedy"}}``."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kernel import errors
from kernel.errors import DeliveryDeferred, HermesError, InvalidInput, PlatformUnavailable
from kernel.plain import predicate

# The nearest class in an error's ancestry decides.
STATUS: Mapping[type[HermesError], int] = {
    errors.NotFound: 404,
    errors.Stale: 409,
    errors.InvalidInput: 422,
    errors.ConfigError: 422,
    errors.AccessDenied: 403,
    errors.StoreError: 503,
    errors.OutcomeUnknown: 500,
    errors.DeliveryDeferred: 503,
    errors.DeliveryRejected: 422,
    errors.DeliveryUncertain: 502,
    errors.PlatformError: 503,
    errors.PlatformConflict: 409,
    errors.PlatformUnauthorised: 502,
    errors.ModelUnavailable: 502,
    errors.BudgetSpent: 429,
    errors.HermesError: 500,
}


class ErrorBody(BaseModel):
    """What went wrong, for programs (``code``) and people."""

    code: str
    message: str
    remedy: str


class ErrorReply(BaseModel):
    """The one shape of every failure."""

    error: ErrorBody


class Unauthenticated(HermesError):
    """The request carries no credential that is good here."""


class TooMany(HermesError):
    """Too many failures in a short time.

    ``retry_after`` is in seconds.
    """

    def __init__(self, message: str, *, retry_after: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class TooLarge(HermesError):
    """The request's body is larger than what is taken."""


class Refused(HermesError):
    """The request comes from where none may come from: another site, another name."""


HTTP_STATUS: Mapping[type[HermesError], int] = {
    **STATUS,
    Unauthenticated: 401,
    TooMany: 429,
    TooLarge: 413,
    Refused: 403,
}


def code_of(error: HermesError) -> str:
    """Return the code programs see: the class's name in small letters, such as ``store_full``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def status_of(error: HermesError) -> int:
    """Return the HTTP status of an error."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def reply(
    status: int, code: str, message: str, remedy: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return a failure in the one shape."""
    body = {"error": {"code": code, "message": message, "remedy": remedy}}
    return JSONResponse(body, status_code=status, headers=headers)


def explained(error: HermesError) -> Response:
    """Return the answer to an error that Hermes can explain."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="hermes"'
    if isinstance(error, TooMany | DeliveryDeferred | PlatformUnavailable) and error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    return reply(status_of(error), code_of(error), error.message, error.remedy, headers)


async def on_hermes_error(_request: Request, error: Exception) -> Response:
    """Answer an error of ours."""
    return explained(error) if isinstance(error, HermesError) else await on_any_error(_request, error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Answer what the router found: no such path, no such method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 405:  # noqa: PLR2004 - the status is its own name
        return reply(status, "method_not_allowed", "This address does not take that method.", headers=headers)
    return reply(
        status,
        "not_found",
        "There is nothing at this address.",
        "GET /api/openapi.json lists what there is.",
        headers=headers,
    )


async def on_any_error(_request: Request, _error: Exception) -> Response:
    """Answer a defect of ours without showing its insides; the server logs them."""
    return reply(500, "internal", "Hermes failed to answer this request.", "The log says why: hermes logs")


def invalid(error: ValidationError) -> InvalidInput:
    """Return what pydantic found as one sentence for each field."""
    found = [
        f"{_place(item['loc'])} {predicate(item['type'], item.get('ctx', {}), item['msg'])}."
        for item in error.errors(include_url=False, include_input=False)
    ]
    return InvalidInput(" ".join(found[:5]), remedy="GET /api/openapi.json describes the input.")


def _place(loc: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in loc) or "The input"
