"""Events as MQTT messages, each acknowledged by the broker."""

from contextlib import suppress
from threading import Event as Flag

from paho.mqtt import MQTTException
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pipeline.config import Security
from pipeline.errors import SecurityError
from pipeline.messages import Event
from pipeline.security import is_private
from pipeline.sinks.courier import Courier
from pipeline.sinks.letters import json_of, key_of


class Mqtt:
    """Publishes each event as JSON to ``<topic>/<label>``, with QoS 1, in order, and again until it is acknowledged.

    QoS 1 is at least once: who gets the same ``id`` and ``phase`` twice, because an acknowledgement was lost or the
    line was killed, knows it by them. ``attachments`` sends pictures and sounds too, in base64. A broker on another
    host needs ``tls``.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 1883,
        topic: str = "rigbind/events",
        user: str = "",
        password: str = "",
        tls: bool = False,
        timeout_s: float = 5.0,
        queue: int = 1000,
        attachments: bool = False,
        security: Security | None = None,
    ) -> None:
        if not 0 < port < 65_536 or not timeout_s > 0 or queue < 1:
            raise ValueError(f"port {port}, timeout_s {timeout_s:g} and queue {queue}: there is no such broker")
        if not topic or any(sign in topic for sign in "+#\0"):
            raise ValueError(f"topic {topic!r} is none that can be published to")
        if not (tls or is_private(f"tcp://{host}:{port}") or (security and security.insecure)):
            raise SecurityError(
                f"{host}:{port}: events would go over the network in the clear: set tls = true, or say "
                "security.insecure = true"
            )
        self.host = host
        self.port = port
        self.topic = topic
        self.user = user
        self.password = password
        self.tls = tls
        self.timeout_s = timeout_s
        self.queue = queue
        self.attachments = attachments
        self.security = security
        self.name = f"mqtt {host}:{port}/{topic}"
        self._client: Client | None = None
        self._courier = Courier(self._publish, queue)

    @property
    def acknowledged(self) -> int:
        """How many of the events written, in their order, arrived or were given up."""
        return self._courier.acknowledged

    def holds(self, event: Event) -> bool:
        """Nobody can say; the other side knows it by id and phase."""
        return False

    def write(self, event: Event) -> None:
        """Queue ``event``."""
        self._courier.write(event)

    def told(self) -> str:
        """Say in words what became of the events."""
        return f"{self.name}: {self._courier.told()}"

    def close(self) -> None:
        """Send what is waiting, for some seconds at most, and leave the broker."""
        self._courier.close()
        self._leave()

    def _publish(self, event: Event) -> None:
        client = self._client or self._join()
        try:
            told = client.publish(self._place(event), json_of(event, self.attachments), qos=1)
            told.wait_for_publish(self.timeout_s)
            if not told.is_published():
                raise TimeoutError(f"{self.host}:{self.port} did not acknowledge {key_of(event)}")
        except (OSError, RuntimeError, ValueError, MQTTException) as error:
            self._leave()  # and forget what it would send again by itself
            raise OSError(str(error)) from error

    def _place(self, event: Event) -> str:
        label = "".join("_" if sign in "/+#\0" else sign for sign in event.label).strip()
        return f"{self.topic}/{label}"[:1000]

    def _join(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2)
        is_in = Flag()
        refused: list[str] = []

        def on_connect(_: Client, __: object, ___: object, code: ReasonCode, ____: Properties | None) -> None:
            if code.is_failure:
                refused.append(str(code))
            is_in.set()

        client.on_connect = on_connect
        if self.user:
            client.username_pw_set(self.user, self.password)
        if self.tls:
            client.tls_set()
        client.connect_timeout = self.timeout_s
        self._client = client
        try:
            if client.connect(self.host, self.port) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise OSError("the broker cannot be reached")
            client.loop_start()
            if not is_in.wait(self.timeout_s) or refused:
                raise OSError(refused[0] if refused else "the broker does not answer")
        except OSError as error:
            self._leave()
            raise OSError(f"{self.host}:{self.port}: {error.strerror or error}") from error
        return client

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, ValueError):
                client.disconnect()
            client.loop_stop()
