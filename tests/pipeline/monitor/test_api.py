"""The API says what the board knows, asks the line, and refuses what is too much or makes no sense."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from makers import CAMERA
from msgspec.structs import replace
from starlette.testclient import TestClient
from viewing import FIRE, observation, received

from pipeline.control import ListLabels, Question, Reply
from pipeline.errors import ControlError
from pipeline.messages import NS, DropLabel, Hit, Label, Mark, SetLabel
from pipeline.monitor.api import MAX_TEXT, Wanted, mount
from pipeline.monitor.board import Board
from pipeline.monitor.live import EVENTS


class Rig:
    """A board, and a line and an index that write down what they were asked."""

    def __init__(self) -> None:
        self.board = Board()
        self.questions: list[Question] = []
        self.wanted: list[Wanted] = []
        self.reply: Reply | Exception = Reply(is_done=True, text="done", version=3, labels=(Label(label="<i>fire"),))

    def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def find(self, wanted: Wanted) -> Sequence[Hit]:
        self.wanted.append(wanted)
        if wanted.file == b"junk":
            raise ValueError("this is no picture")
        return [Hit(topic="/camera", modality="vision", log="a.mcap", rig="r", start=1, end=2, score=3.0, cosine=0.5)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def client(rig: Rig) -> Iterator[TestClient]:
    app = FastAPI()
    mount(app, rig.board, rig.ask, rig.find)
    with TestClient(app) as client:
        yield client


def labels_of(page: Any) -> list[str]:
    return [told["event"]["label"] for told in page["events"]]


def test_state_is_the_newest_window(client: TestClient, rig: Rig) -> None:
    assert client.get("/api/state").json()["streams"] == {}
    rig.board.sample(received(CAMERA))
    rig.board.show(replace(observation(), scores={"tagging/fire": 0.9}))
    state = client.get("/api/state").json()
    assert state["scores"] == {"tagging/fire": 0.9}
    assert state["end"] == 102 * NS
    camera = client.get("/api/streams").json()["/camera"]
    assert (camera["state"], camera["sent"], camera["in_flight"]) == ("ok", 35, 3)
    assert camera["ends"]["late"] == 2
    assert camera["delay_s"] == pytest.approx(0.005)


def test_events_can_be_filtered_and_paged(client: TestClient, rig: Rig) -> None:
    for number in range(5):
        rig.board.write(replace(FIRE, id=f"e{number}", label=f"l{number}", start=number * NS, end=(number + 1) * NS))
    rig.board.write(replace(FIRE, id="e0", label="l0", phase="closed", severity="info", start=0, end=NS))
    assert labels_of(client.get("/api/events").json()) == ["l0", "l4", "l3", "l2", "l1"]
    for query, due in (
        ("label=l3", ["l3"]),
        ("severity=critical&number=2&skip=1", ["l3", "l2"]),
        ("is_open=false", ["l0"]),
        (f"after={3 * NS}&before={4 * NS}", ["l3"]),
        ("source=elsewhere", []),
    ):
        assert labels_of(client.get(f"/api/events?{query}").json()) == due
    assert client.get("/api/events?severity=critical&number=2").json()["total"] == 4


def test_an_event_has_its_picture_and_sound_apart(client: TestClient, rig: Rig) -> None:
    rig.board.write(replace(FIRE, id="streams/camera@5"))
    told = client.get("/api/events/streams/camera@5").json()
    assert (told["pictures"], told["sounds"], told["event"]["pictures"]) == (["/camera"], ["/microphone"], {})
    picture = client.get("/api/events/streams/camera@5/picture?topic=/camera")
    assert (picture.content, picture.headers["content-type"]) == (FIRE.pictures["/camera"], "image/jpeg")
    assert client.get("/api/events/streams/camera@5/sound").content == FIRE.sounds["/microphone"]
    for missing in ("nobody", "nobody/picture", "streams/camera@5/picture?topic=/thermal"):
        assert client.get(f"/api/events/{missing}").status_code == 404


def test_commands_reach_the_line(client: TestClient, rig: Rig) -> None:
    assert client.post("/api/events/streams/camera@5/mark", json={"right": False}).json()["text"] == "done"
    settings = {"prompts": ["flames"], "threshold": 0.7, "modalities": ["thermal"], "severity": "critical"}
    client.put("/api/labels/a fire", json=settings)
    client.delete("/api/labels/a%2Ffire")
    assert client.get("/api/labels").json()["labels"][0]["label"] == "<i>fire"
    assert rig.questions == [
        Mark(event="streams/camera@5", right=False),
        SetLabel(
            label="a fire",
            prompts=("flames",),
            threshold=0.7,
            modalities=("thermal",),
            severity="critical",
            keep_examples=True,
        ),
        DropLabel(label="a/fire"),
        ListLabels(),
    ]


def test_commands_that_make_no_sense_reach_nobody(client: TestClient, rig: Rig) -> None:
    assert client.post("/api/events/e/mark", json={"right": "perhaps"}).status_code == 422
    assert client.post("/api/events/e/mark", content=b"\xff{").status_code == 422
    assert client.put("/api/labels/" + "x" * 65, json={"prompts": ["x"]}).status_code == 422
    assert client.put("/api/labels/x", json={"threshold": 2}).status_code == 422
    assert client.put("/api/labels/x", content=b"[" * 100_000).status_code == 422
    assert rig.questions == []


def test_what_the_line_says_is_passed_on(client: TestClient, rig: Rig) -> None:
    rig.reply = Reply(is_done=False, text="no event of this id")
    refused = client.post("/api/events/e/mark", json={"right": True})
    assert (refused.status_code, refused.json()["detail"]) == (409, "no event of this id")
    rig.reply = ControlError("tcp://127.0.0.1:5572: no line answered within 5 s")
    assert client.get("/api/labels").status_code == 504
    alone = FastAPI()
    mount(alone, rig.board)
    with TestClient(alone) as client_of_none:
        assert client_of_none.get("/api/labels").status_code == 503
        assert client_of_none.get("/api/search?text=x").status_code == 503


def test_a_sentence_or_a_file_finds_moments(client: TestClient, rig: Rig) -> None:
    assert client.get("/api/search?text=a+fire&number=3").json()["hits"][0]["log"] == "a.mcap"
    client.post("/api/search?modality=audio", content=b"RIFF")
    assert rig.wanted == [Wanted(text="a fire", number=3), Wanted(file=b"RIFF", modality="audio")]
    assert client.post("/api/search", content=b"junk").json() == {"detail": "this is no picture"}


def test_too_much_is_refused(client: TestClient, rig: Rig) -> None:
    assert client.get("/api/search", params={"text": "x" * (MAX_TEXT + 1)}).status_code == 422
    assert client.get("/api/search?text=").status_code == 422
    assert client.post("/api/search", content=b"").status_code == 422
    assert client.get("/api/events?number=100000").status_code == 422
    assert client.get("/api/events", params={"label": "x" * 60_000}).status_code == 422
    assert rig.wanted == []


def test_html_is_data(client: TestClient, rig: Rig) -> None:
    rig.board.write(replace(FIRE, label="<script>alert(1)</script>"))
    answer = client.get("/api/events")
    assert answer.headers["content-type"] == "application/json"
    assert labels_of(answer.json()) == ["<script>alert(1)</script>"]


def test_live_tells_what_changed(client: TestClient, rig: Rig) -> None:
    for number in range(EVENTS + 5):
        rig.board.write(replace(FIRE, id=f"e{number}"))
    with client.websocket_connect("/api/live") as socket:
        first = socket.receive_json()
        assert len(first["events"]) == EVENTS
        assert first["events"][0]["id"] == f"e{EVENTS + 4}"
        assert first["events"][0]["pictures"] == {}
        rig.board.show(observation())
        rig.board.write(replace(FIRE, phase="closed", id="e3"))
        seen: dict[str, Any] = {"events": [], "state": {}}
        while not seen["events"]:
            seen = socket.receive_json()
        assert [event["id"] for event in seen["events"]] == ["e3"]
        assert "scores" not in seen["state"]


def test_openapi_describes_every_path(client: TestClient) -> None:
    told = client.get("/api/openapi.json").json()
    assert set(told["paths"]) == {
        "/state", "/streams", "/events", "/events/{id}", "/events/{id}/picture", "/events/{id}/sound",
        "/events/{id}/mark", "/labels", "/labels/{label}", "/search",
    }  # fmt: skip
    schemas = told["components"]["schemas"]
    named = {text.partition('"')[0] for text in json.dumps(told).split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert {"Snapshot", "Stream", "Event", "Hit", "Label"} <= named
