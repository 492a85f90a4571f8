"""What the page shows, for programs: REST under ``/api``, and ``/api/live`` as a WebSocket; see docs/api.md.

Answers are JSON; what cannot be done is ``{"detail": sentence}`` with a status that says why. ``/api/openapi.json``
describes all of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from msgspec import Struct
from msgspec.structs import replace

from pipeline.control import ListLabels, Question, Reply
from pipeline.errors import ControlError, PipelineError
from pipeline.messages import FOREVER, DropLabel, Event, Hit, Label, Mark, SetLabel, Severity
from pipeline.monitor.board import Board, Snapshot
from pipeline.monitor.live import Live
from pipeline.monitor.metrics import exposition

T = TypeVar("T", bound=Struct)

MAX_PAGE = 1000
"""Events or hits in one answer."""

MAX_TEXT = 1000
"""Characters of a query."""

Text = Annotated[str, Query(max_length=MAX_TEXT)]
Number = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Ask = Callable[[Question], Reply]
Find = Callable[["Wanted"], Sequence[Hit]]


class Told(Struct, frozen=True, kw_only=True):
    """An event, and of which topics it has a picture or a sound; these come apart."""

    event: Event
    pictures: tuple[str, ...]
    sounds: tuple[str, ...]


class Page(Struct, frozen=True, kw_only=True):
    """Events, the one that changed last first; ``total`` is how many the filters let through."""

    total: int
    events: tuple[Told, ...]


class Verdict(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether an event was what it is called."""

    right: bool


class Wanted(Struct, frozen=True, kw_only=True):
    """What is searched for: a sentence, or the bytes of a file of ``modality``."""

    text: str = ""
    file: bytes = b""
    modality: str = ""
    number: int = 10


class Found(Struct, frozen=True, kw_only=True):
    """Moments, best first."""

    hits: tuple[Hit, ...]


class LabelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label as SetLabel has it; its name stands in the address."""

    prompts: tuple[str, ...] = ()
    threshold: float = 0.0
    modalities: tuple[str, ...] = ()
    severity: Severity | None = None
    keep_examples: bool = True  # no others can come this way


class Labels(Struct, frozen=True, kw_only=True):
    """What is looked for; ``version`` counts what was changed."""

    version: int
    labels: tuple[Label, ...]


ANSWERS: tuple[type[Struct], ...] = (Snapshot, Page, Told, Verdict, Found, LabelSettings, Labels, Reply)
REF = "#/components/schemas/{name}"
FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


def mount(app: FastAPI, board: Board, ask: Ask | None = None, find: Find | None = None) -> None:
    """Let ``app`` serve ``/api`` and ``/metrics`` of ``board``; labels need one to ``ask``, search one to ``find``."""
    app.add_route("/metrics", exposition(board), methods=["GET"])
    app.mount("/api", api(board, ask, find))


def api(board: Board, ask: Ask | None = None, find: Find | None = None) -> FastAPI:
    """Return the API as an application of its own."""
    app = FastAPI(title="rigbind", docs_url=None, redoc_url=None, default_response_class=Response)
    _reading(app, board)
    _labelling(app, ask)
    _searching(app, find)
    app.add_api_websocket_route("/live", Live(board).__call__)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _reading(app: FastAPI, board: Board) -> None:
    @app.get("/state", responses=_says(Snapshot))
    def state() -> Response:
        """All that is known of this moment."""
        return _json(board.snapshot())

    @app.get("/streams", responses=_says(Snapshot))
    def streams() -> Response:
        """Every topic: its state, rate, age, losses by cause."""
        return _json(board.snapshot().streams)

    @app.get("/events", responses=_says(Page))
    def events(
        label: Text = "",
        source: Text = "",
        severity: Severity | Literal[""] = "",
        after: int = 0,
        before: int = FOREVER,
        is_open: bool | None = None,
        skip: Annotated[int, Query(ge=0)] = 0,
        number: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> Response:
        """Events that overlap ``[after, before)``, in nanoseconds, the one that changed last first."""
        fits = [
            event
            for event in board.events()
            if (not label or event.label == label)
            and (not source or event.source == source)
            and (not severity or event.severity == severity)
            and event.end > after
            and event.start < before
            and (is_open is None or (event.phase != "closed") == is_open)
        ]
        return _json(Page(total=len(fits), events=tuple(_told(event) for event in fits[skip : skip + number])))

    @app.get("/events/{id:path}/picture")
    def picture(id: str, topic: Text = "") -> Response:
        """What the camera of ``topic`` saw of an event, as a JPEG; without a topic, any."""
        return _media(_event(board, id).pictures, topic, "image/jpeg")

    @app.get("/events/{id:path}/sound")
    def sound(id: str, topic: Text = "") -> Response:
        """What was heard of an event, as a WAV."""
        return _media(_event(board, id).sounds, topic, "audio/wav")

    @app.get("/events/{id:path}", responses=_says(Told))
    def event(id: str) -> Response:
        """One event, as it was last told."""
        return _json(_told(_event(board, id)))


def _labelling(app: FastAPI, ask: Ask | None) -> None:
    async def answer(question: Question) -> Reply:
        if ask is None:
            raise HTTPException(503, "no line listens to commands here; see bus.control of the rig")
        try:
            reply = await run_in_threadpool(ask, question)
        except ControlError as error:
            raise HTTPException(504, str(error)) from error
        if not reply.is_done:
            raise HTTPException(409, reply.text)
        return reply

    @app.post("/events/{id:path}/mark", responses=_says(Reply), openapi_extra=_wants(Verdict))
    async def mark(id: str, request: Request) -> Response:
        """Say that an event was what it is called, or was not."""
        verdict = await _body(request, Verdict)
        return _json(await answer(_checked(Mark, {"event": id, "right": verdict.right})))

    @app.get("/labels", responses=_says(Labels))
    async def labels() -> Response:
        """What is looked for by name."""
        reply = await answer(ListLabels())
        return _json(Labels(version=reply.version, labels=reply.labels))

    @app.put("/labels/{label:path}", responses=_says(Reply), openapi_extra=_wants(LabelSettings))
    async def set_label(label: str, request: Request) -> Response:
        """Look for a label from now on, or for this under its name."""
        settings = await _body(request, LabelSettings)
        return _json(await answer(_checked(SetLabel, {"label": label, **msgspec.to_builtins(settings)})))

    @app.delete("/labels/{label:path}", responses=_says(Reply))
    async def drop_label(label: str) -> Response:
        """Look for a label no more."""
        return _json(await answer(_checked(DropLabel, {"label": label})))


def _searching(app: FastAPI, find: Find | None) -> None:
    async def found(wanted: Wanted) -> Response:
        if find is None:
            raise HTTPException(503, "no index is open here; see `rigbind index`")
        try:
            hits = await run_in_threadpool(find, wanted)
        except (PipelineError, ValueError, OSError) as error:
            raise HTTPException(422, str(error)) from error
        return _json(Found(hits=tuple(hits)))

    @app.get("/search", responses=_says(Found))
    async def search(text: Annotated[str, Query(min_length=1, max_length=MAX_TEXT)], number: Number = 10) -> Response:
        """Moments that are like a sentence."""
        return await found(Wanted(text=text, number=number))

    @app.post("/search", responses=_says(Found), openapi_extra=FILE)
    async def search_file(request: Request, modality: Text = "", number: Number = 10) -> Response:
        """Moments that are like the file that is sent: a picture, a sound, or of another ``modality``."""
        file = await request.body()
        if not file:
            raise HTTPException(422, "the file is empty")
        return await found(Wanted(file=file, modality=modality, number=number))


def _event(board: Board, id_: str) -> Event:
    event = board.event(id_)
    if event is None:
        raise HTTPException(404, "no event of this id is remembered")
    return event


def _told(event: Event) -> Told:
    bare = replace(event, pictures={}, sounds={})
    return Told(event=bare, pictures=tuple(event.pictures), sounds=tuple(event.sounds))


def _media(by_topic: Mapping[str, bytes], topic: str, kind: str) -> Response:
    found = by_topic.get(topic) if topic else next(iter(by_topic.values()), None)
    if found is None:
        raise HTTPException(404, "there is none of this event, or no more")
    return Response(found, media_type=kind)


def _json(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json", headers={"cache-control": "no-store"})


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(422, str(error)) from error


def _checked(kind: type[T], fields: Mapping[str, Any]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise HTTPException(422, str(error)) from error


def _says(kind: type[Struct]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "OK", "content": {"application/json": {"schema": _ref(kind)}}}}


def _wants(kind: type[Struct]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref(kind)}}}}


def _ref(kind: type[Struct]) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's description with the schemas of our own structs."""
    told = get_openapi(title=app.title, version="1", description=__doc__, routes=app.routes)
    _, schemas = msgspec.json.schema_components(ANSWERS, ref_template=REF)
    told.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    return told | {"servers": [{"url": "/api"}]}
