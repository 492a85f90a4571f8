"""What persons ask of a line arrives, is answered, and cannot hurt it."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq

from pipeline.config import Security
from pipeline.control import MAX_BYTES, WAITING, ControlServer, ListLabels, Question, Reply, ask
from pipeline.errors import ControlError, PipelineError, SecurityError
from pipeline.messages import DropLabel, Label, Mark, SetLabel
from pipeline.security import make_keys

CLEAR = Security()
FIRE = Label(label="fire", prompts=("a fire",), probability=0.5)


@contextmanager
def answering(server: ControlServer) -> Iterator[list[Question]]:
    """A line that does as it is told."""
    heard: list[Question] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.005):
            for request in server.take():
                heard.append(request.question)  # type: ignore[arg-type]
                request.answer(Reply(is_done=True, text="done", version=len(heard), labels=(FIRE,), model="mini"))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ControlServer]:
    with closing(ControlServer(f"ipc://{tmp_path}/control")) as server:
        yield server


@pytest.mark.parametrize(
    "question",
    [
        ListLabels(),
        SetLabel(label="fire", prompts=("a fire",), threshold=0.5, modalities=("audio",)),
        DropLabel(label="fire"),
        Mark(event="tagging/fire@5", right=False),
    ],
)
def test_a_question_is_heard_whole_and_answered(server: ControlServer, question: Question) -> None:
    with answering(server) as heard:
        reply = ask(server.address, CLEAR, question)
    assert heard == [question]
    assert reply == Reply(is_done=True, text="done", version=1, labels=(FIRE,), model="mini")


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"not msgpack at all"],
        [msgspec.msgpack.encode({"type": "restore", "operator": 0, "state": b"x"})],
        [msgspec.msgpack.encode({"type": "set_label", "label": ""})],
        [msgspec.msgpack.encode({"type": "set_label", "label": "x" * 65})],
        [msgspec.msgpack.encode({"type": "set_label", "label": "a\nb"})],
        [msgspec.msgpack.encode({"type": "set_label", "label": "x", "prompts": ["y" * 301]})],
        [msgspec.msgpack.encode({"type": "set_label", "label": "x", "prompts": ["y"] * 65})],
        [msgspec.msgpack.encode({"type": "mark", "event": "e", "right": "perhaps"})],
        [b"\x91" * 5000],
        [b"two", b"frames"],
    ],
)
def test_garbage_is_answered_with_a_sentence(server: ControlServer, frames: list[bytes]) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(server.address)
        socket.send_multipart(frames)
        assert socket.poll(5000)
        reply = msgspec.msgpack.decode(socket.recv(), type=Reply)
    assert not reply.is_done
    assert "request" in reply.text
    assert not server.take()


def test_what_is_too_large_is_not_even_read_and_others_are_still_heard(server: ControlServer) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(server.address)
        socket.send(bytes(MAX_BYTES + 1))
        assert not socket.poll(300)
    with answering(server) as heard:
        assert ask(server.address, CLEAR, ListLabels()).is_done
    assert len(heard) == 1


def test_more_than_can_wait_is_refused(server: ControlServer) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(server.address)
        for _ in range(WAITING + 3):
            socket.send_multipart([b"", msgspec.msgpack.encode(ListLabels())])
        for _ in range(3):
            assert socket.poll(5000)
            _, refused = socket.recv_multipart()
            assert "are waiting already" in msgspec.msgpack.decode(refused, type=Reply).text
    assert len(server.take()) == WAITING


def test_a_line_that_is_not_there_is_told_in_time(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(ControlError, match=r"no line answered within 0.2 s"):
        ask(f"ipc://{tmp_path}/nobody", CLEAR, ListLabels(), timeout_s=0.2)
    assert time.monotonic() - begun < 5
    with pytest.raises(ControlError, match="nonsense"):
        ask("ipc://\0/nonsense", CLEAR, ListLabels(), timeout_s=0.2)


def test_an_address_that_is_taken_names_the_key() -> None:
    with closing(ControlServer("tcp://127.0.0.1:*")) as one, pytest.raises(PipelineError, match=r"see bus\.control"):
        ControlServer(one.address)


def test_an_empty_address_takes_nothing() -> None:
    with closing(ControlServer("")) as deaf:
        assert not deaf.take()


def test_off_this_host_only_known_keys_are_heard(tmp_path: Path) -> None:
    with pytest.raises(SecurityError, match="can be reached from other hosts"):
        ControlServer("tcp://*:0")
    make_keys(tmp_path / "rig", "page")
    make_keys(tmp_path / "stranger", "page")
    known, stranger = (Security(keys=str(tmp_path / name)) for name in ("rig", "stranger"))
    with closing(ControlServer("tcp://127.0.0.1:*", known)) as server, answering(server) as heard:
        assert ask(server.address, known, ListLabels()).is_done
        with pytest.raises(ControlError):
            ask(server.address, stranger, ListLabels(), timeout_s=0.3)
    assert len(heard) == 1
