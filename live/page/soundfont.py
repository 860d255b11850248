"""The soundfont for browsers that sound themselves: the file that FluidSynth plays here, as it is.

A browser keeps it and asks by its tag whether it is still the same.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from model.errors import SoundError
from model.files import as_path, readable
from model.midi.synth import check_soundfont, default_soundfont

LARGEST_BYTES = 64 << 20
"""A browser holds a soundfont in memory, a phone has little."""


def soundfont_route(chosen: str) -> Route:
    """Return the route of a soundfont: a path, "" for the default one.

    Where there is none that a browser may have, it answers with one sentence.
    """

    async def soundfont(request: Request) -> Response:
        try:
            path = as_path(chosen).expanduser() if chosen else default_soundfont()
            check_soundfont(path)
            size = path.stat().st_size
        except (SoundError, OSError) as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.NOT_FOUND)
        if size > LARGEST_BYTES:
            reason = (
                f"the soundfont '{readable(path.name)}' has {size / (1 << 20):.0f} MB, "
                f"and a browser is given {LARGEST_BYTES >> 20} MB at most"
            )
            return PlainTextResponse(f"{reason}\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        answer = FileResponse(path, media_type="audio/x-soundfont", stat_result=path.stat())
        if answer.headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": answer.headers["etag"]})
        return answer

    return Route("/soundfont", soundfont)
