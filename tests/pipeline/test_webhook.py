"""Events over HTTP arrive once each, whatever the other side does."""

import json
import socket
import time
from contextlib import closing

import pytest
from wires import event, taking, waited_for

import pipeline.sinks.courier
from pipeline.config import Security
from pipeline.errors import SecurityError
from pipeline.sinks.webhook import Webhook


def test_events_arrive_in_order_with_their_keys_and_without_pictures() -> None:
    with taking() as taker, closing(Webhook(taker.url)) as sink:
        for phase in ("opened", "updated", "closed"):
            sink.write(event(1, phase))
        waited_for(lambda: sink.acknowledged == 3)
    assert [key for key, _ in taker.taken] == ["e1/opened", "e1/updated/6/1", "e1/closed"]
    assert all(json.loads(body)["pictures"] == {} for _, body in taker.taken)


def test_attachments_are_sent_if_asked_for() -> None:
    with taking() as taker, closing(Webhook(taker.url, attachments=True)) as sink:
        sink.write(event(1))
        waited_for(lambda: sink.acknowledged == 1)
    assert json.loads(taker.taken[0][1])["pictures"] == {"/camera": "anBlZw=="}


def test_troubles_of_the_server_are_tried_again_and_its_refusals_are_not() -> None:
    with taking() as taker, closing(Webhook(taker.url)) as sink:
        taker.codes = [503, 429, 204, 400, 302, 204]
        for number in range(4):
            sink.write(event(number))
        waited_for(lambda: sink.acknowledged == 4)
    assert [key for key, _ in taker.taken] == ["e0/opened", "e3/opened"]
    assert sink.told() == f"webhook {taker.url}: 2 delivered, 2 dropped; last trouble: {taker.url} answered 302 Found"


def test_a_server_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.sinks.courier, "CLOSE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.1, queue=5)
        begun = time.monotonic()
        for number in range(1000):
            sink.write(event(number))
        assert time.monotonic() - begun < 1
        waited_for(lambda: "timed out" in sink.told())
        sink.close()
    assert "0 delivered, 995 dropped, 5 left waiting" in sink.told()


@pytest.mark.parametrize("params", [{"url": "ftp://x"}, {"url": "http://"}, {"timeout_s": 0.0}, {"queue": 0}])
def test_impossible_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(params))):
        Webhook(**params)  # type: ignore[arg-type]


def test_nothing_goes_over_a_network_in_the_clear_unasked() -> None:
    with pytest.raises(SecurityError, match="in the clear"):
        Webhook("http://192.0.2.1/")
    Webhook("https://192.0.2.1/").close()
    Webhook("http://192.0.2.1/", security=Security(insecure=True)).close()
