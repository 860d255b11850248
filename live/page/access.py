"""Who may come in: requests by a name of this machine, from its own pages, with the token where one is asked.

A page of somebody else's in the same browser must not turn knobs: its requests carry its own Origin, and a
name that was made to point at this machine (DNS rebinding) is in Host.
"""

import ipaddress
import secrets
import socket
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from live.ipc.page_process import PageOptions, is_loopback

POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
WRONG_HOST = "this page is not served under that name; open it by the address that twobar shows"
WRONG_ORIGIN = "another page may not speak to the instrument"
UNASKED = "this page asks for a token: scan the code that twobar shows, or open the whole address beside it"


class Access:
    """Lets in who may come in; an ASGI middleware."""

    def __init__(self, app: ASGIApp, options: PageOptions) -> None:
        self._app, self._options = app, options
        self._cookie = f"twobar-{options.port}"
        self._names = {"localhost", options.host.lower()}
        if not is_loopback(options.host):
            host = socket.gethostname().lower()
            self._names |= {host, f"{host}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or turn it away with one sentence."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers, scope)
        if refusal:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4403, "reason": refusal})
            else:
                await PlainTextResponse(f"{refusal}\n", HTTPStatus.FORBIDDEN)(scope, receive, send)
        elif scope["type"] == "http" and self._token_in(scope):
            await self._remembering(scope)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refusal(self, headers: Headers, scope: Scope) -> str:
        host = headers.get("host", "")
        if not self._is_ours(_name_of(host)):
            return WRONG_HOST
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return WRONG_ORIGIN
        return "" if self._shows_token(headers, scope) else UNASKED

    def _is_ours(self, name: str) -> bool:
        """Tell whether a name can only mean this machine: an address cannot be made to mean another."""
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not is_loopback(self._options.host)

    def _shows_token(self, headers: Headers, scope: Scope) -> bool:
        if not self._options.token:
            return True
        shown = [self._token_in(scope)]
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            jar = SimpleCookie()
        if self._cookie in jar:
            shown.append(jar[self._cookie].value)
        return any(_same(each, self._options.token) for each in shown)

    @staticmethod
    def _token_in(scope: Scope) -> str:
        query: bytes = scope.get("query_string", b"")
        return parse_qs(query.decode("latin-1")).get("token", [""])[0]

    def _remembering(self, scope: Scope) -> Response:
        """Answer a request that shows the token: the browser keeps it, and the address is rid of it."""
        answer = RedirectResponse(scope["path"], HTTPStatus.SEE_OTHER, headers=HEADERS)
        answer.set_cookie(self._cookie, self._options.token, httponly=True, samesite="strict")
        return answer


def _name_of(host: str) -> str:
    """Return the name of a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _with_headers(send: Send) -> Send:
    """Return what sends a response with our headers beside its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sending
