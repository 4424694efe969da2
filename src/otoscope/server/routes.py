"""The addresses of a server, and what each answers."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from otoscope._version import __version__
from otoscope.app.single_file import part_file
from otoscope.server.answers import as_bytes
from otoscope.server.ask import read_ask, read_change, read_json
from otoscope.server.events import events
from otoscope.server.examples import EXAMPLES
from otoscope.server.guard import Guard, Place
from otoscope.server.house import House
from otoscope.server.refusal import Refusal, not_found
from otoscope.server.sessions import Session
from otoscope.server.static_files import live_page, run_index, static_files
from otoscope.server.tasks import Alter, Decode, Synthesise
from otoscope.server.uploads import declared_length, safe_name, to_file, to_memory

Endpoint = Callable[[Request], Awaitable[Response]]


def application(house: House, place: Place) -> Guard:
    """The whole application of a server."""
    answers = Answers(house)
    routes = [
        Route("/", answers.page),
        Route("/live", answers.live),
        Route("/static/{name}", answers.static),
        Route("/api/state", answers.state),
        Route("/api/models", answers.models),
        Route("/api/sounds", answers.sounds),
        Route("/api/sounds", answers.upload, methods=["POST"]),
        Route("/api/sounds/{sound}", answers.drop_sound, methods=["DELETE"]),
        Route("/api/sounds/{sound}/file.wav", answers.sound_file),
        Route("/api/sounds/{sound}/changes", answers.change, methods=["POST"]),
        Route("/api/examples/{example}", answers.example, methods=["POST"]),
        Route("/api/jobs", answers.jobs),
        Route("/api/jobs", answers.ask, methods=["POST"]),
        Route("/api/jobs/{job}", answers.job),
        Route("/api/jobs/{job}", answers.cancel, methods=["DELETE"]),
        Route("/api/jobs/{job}/events", answers.job_events),
        Route("/api/jobs/{job}/page/manifest.json", answers.manifest),
        Route("/api/jobs/{job}/page/parts/{part}.bin", answers.part),
        Route("/api/events", answers.events),
        Route("/api/run/parts/{part}.js", answers.run_part),
    ]
    handlers: Any = {Refusal: _refuse, HTTPException: _refuse_route, Exception: _fault}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), place, house.sessions)


class Answers:
    """What each address answers.

    Parameters
    ----------
    house : House
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._files = static_files()
        self._one = asyncio.Lock()
        run = house.run
        facts = {"api": "/api/", "version": __version__, "run": run is not None}
        self._live = live_page(facts, self._files, run is not None)
        self._index = self._live if run is None else run_index(run.manifest, self._files, bool(house.queues))

    # -- The page -------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        return Response(self._index.content, media_type=self._index.kind)

    async def live(self, request: Request) -> Response:
        return Response(self._live.content, media_type=self._live.kind)

    async def static(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise not_found("file")
        headers = {"etag": file.tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.kind, headers=headers)

    # -- What there is --------------------------------------------------------------------------------------

    async def state(self, request: Request) -> Response:
        house, session = self._house, _session(request)
        return _json({
            "version": __version__,
            "session": session.name,
            "run": None if house.run is None else {"title": house.run.manifest.get("title", "")},
            "limits": house.limits.shown(),
            "models": house.models(),
            "examples": [one.as_json() for one in EXAMPLES.values()],
            "sounds": [one.as_json() for one in session.sounds.values()],
            "jobs": [one.as_json() for one in session.jobs.values()],
            "notice": house.notice,
        })  # fmt: skip

    async def models(self, request: Request) -> Response:
        return _json({"models": self._house.models()})

    # -- Sounds ---------------------------------------------------------------------------------------------

    async def sounds(self, request: Request) -> Response:
        return _json({"sounds": [one.as_json() for one in _session(request).sounds.values()]})

    async def upload(self, request: Request) -> Response:
        house, session, limits = self._house, _session(request), self._house.limits
        name = safe_name(request.query_params.get("name", ""))
        declared_length(request.headers, limits.upload_bytes, name)
        if session.uploads >= limits.jobs:
            message = "other sounds are on their way: wait for one of them"
            raise Refusal(429, "too-many", message, {"retry-after": "2"}, close=True)
        out = house.new_path()
        sent = out.with_suffix(".sent")
        session.uploads += 1
        try:
            if not await to_file(request, sent, limits.upload_bytes, name, limits):
                raise Refusal(422, "not-audio", f"{name} is empty (0 bytes)")
            sound = await house.hear(session, Decode(sent, name, out), name)
        finally:
            session.uploads -= 1
            sent.unlink(missing_ok=True)
        return _json({"sound": sound.as_json()}, 201)

    async def example(self, request: Request) -> Response:
        example = EXAMPLES.get(request.path_params["example"])
        if example is None:
            raise not_found("example")
        sound = await self._house.hear(_session(request), Synthesise(example, self._house.new_path()), example.name)
        return _json({"sound": sound.as_json()}, 201)

    async def change(self, request: Request) -> Response:
        session = _session(request)
        sound = session.sound(request.path_params["sound"])
        with session.held(sound):
            change = read_change(await self._content(request))
            change = change.within(sound.facts["duration"], sound.facts["sample_rate"])
            name = safe_name(f"{sound.name}, {change.words()}")
            origin = {"sound": sound.id, "change": change.as_json()}
            task = Alter(sound.path, sound.name, change, self._house.new_path())
            made = await self._house.hear(session, task, name, origin)
        return _json({"sound": made.as_json()}, 201)

    async def sound_file(self, request: Request) -> Response:
        sound = _session(request).sound(request.path_params["sound"])
        return Response(sound.path.read_bytes(), media_type="audio/wav")

    async def drop_sound(self, request: Request) -> Response:
        _session(request).drop_sound(request.path_params["sound"])
        return Response(status_code=204)

    # -- Jobs -----------------------------------------------------------------------------------------------

    async def jobs(self, request: Request) -> Response:
        return _json({"jobs": [one.as_json() for one in _session(request).jobs.values()]})

    async def ask(self, request: Request) -> Response:
        content = await self._content(request)
        job = self._house.ask(_session(request), read_ask(content), content)
        return _json({"job": job.as_json()}, 202)

    async def job(self, request: Request) -> Response:
        return _json({"job": _session(request).job(request.path_params["job"]).as_json()})

    async def cancel(self, request: Request) -> Response:
        session = _session(request)
        job = session.job(request.path_params["job"])
        if job.final:
            del session.jobs[job.id]
        else:
            self._house.cancel(job)
        return _json({"job": job.as_json()})

    async def manifest(self, request: Request) -> Response:
        return _json(self._made(request).manifest)

    async def part(self, request: Request) -> Response:
        parts = self._made(request).parts
        name = request.path_params["part"]
        if name not in parts:
            raise not_found("part")
        return Response(parts[name], media_type="application/octet-stream")

    def _made(self, request: Request) -> Any:
        job = _session(request).job(request.path_params["job"])
        if not job.final:
            raise Refusal(409, "not-done", "this question is not answered yet")
        if job.page is None or job.page.manifest is None:
            raise not_found("page")
        return job.page

    async def events(self, request: Request) -> Response:
        session = _session(request)
        first: list[tuple[str, Any]] = [("job", job.as_json()) for job in session.jobs.values() if not job.final]
        brief = ("id", "name", "state", "waiting", "error")
        first += [("model", {key: one[key] for key in brief}) for one in self._house.models()]
        return _stream(session, events(session, first, self._house.stopping))

    async def job_events(self, request: Request) -> Response:
        session = _session(request)
        job = session.job(request.path_params["job"])
        stream = events(session, [("job", job.as_json())], self._house.stopping, only=job.id)
        return _stream(session, stream)

    # -- The run --------------------------------------------------------------------------------------------

    async def run_part(self, request: Request) -> Response:
        run, name = self._house.run, request.path_params["part"]
        if run is None or name not in set(run.parts):
            raise not_found("part")
        async with self._one:  # its tables are asked by one at a time
            content = await asyncio.to_thread(lambda: part_file(run.parts[name]))
        return Response(content, media_type="text/javascript; charset=utf-8")

    async def _content(self, request: Request) -> dict[str, Any]:
        limits = self._house.limits
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "not-json", "the body has to be JSON: Content-Type: application/json", close=True)
        return read_json(await to_memory(request, limits.json_bytes, "the body", limits))


def _session(request: Request) -> Session:
    session: Session = request.scope["session"]
    return session


def _json(content: Any, status: int = 200) -> Response:
    return Response(as_bytes(content), status, media_type="application/json")


def _stream(session: Session, chunks: Any) -> Response:
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _refuse(request: Request, refusal: Refusal) -> Response:
    headers = refusal.headers | ({"connection": "close"} if refusal.close else {})
    return Response(as_bytes({"error": refusal.error}), refusal.status, headers, "application/json")


async def _refuse_route(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        refusal = Refusal(405, "wrong-method", f"{request.method} is not what this address takes", error.headers)
    else:
        refusal = not_found("address")
    refusal.close = request.method not in ("GET", "HEAD")  # its body was not read
    return await _refuse(request, refusal)


async def _fault(request: Request, error: Exception) -> Response:
    traceback.print_exception(error)  # to standard error: it is nothing that a client should read
    message = "the server made a mistake: what it printed says more"
    return await _refuse(request, Refusal(500, "fault", message, close=True))
