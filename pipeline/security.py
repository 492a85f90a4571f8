"""CURVE keys, and the rule that nothing leaves this host in the clear unless asked to.

A folder of keys, made by ``rigbind keys``: ``ingest.key_secret`` stays with the rig's ingest,
``sensors/<name>.key_secret`` goes to the host of that sensor together with ``ingest.key``.
Only sensors whose public key lies in ``sensors/`` may connect: CURVE without that list would
let in any client that knows the server's key.
"""

import ipaddress
from contextlib import suppress
from pathlib import Path

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from pipeline.config import Security
from pipeline.errors import SecurityError

INGEST = "ingest"


def make_keys(folder: Path, sensor: str) -> list[Path]:
    """Create what is not there yet of the ingest's and ``sensor``'s key pairs; return the new files."""
    sensors = folder / "sensors"
    sensors.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made: list[Path] = []
    for place, name in ((folder, INGEST), (sensors, sensor)):
        if not (place / f"{name}.key_secret").exists():
            made += [Path(path) for path in zmq.auth.create_certificates(place, name)]
    for path in made:
        path.chmod(0o600)
    return made


def is_private(address: str) -> bool:
    """Say whether ``address`` cannot leave this host.

    >>> is_private("ipc:///run/rigbind"), is_private("tcp://127.0.0.1:5570"), is_private("tcp://0.0.0.0:5570")
    (True, True, False)
    """
    transport, _, rest = address.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = rest.rpartition(":")[0].strip("[]")
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def allow(address: str, security: Security) -> None:
    """Raise SecurityError if ``address`` would carry clear text over a network that was not asked for."""
    if not (is_private(address) or security.keys or security.insecure):
        raise SecurityError(
            f"{address} can be reached from other hosts: make keys with `rigbind keys DIR` and name them in "
            "security.keys, or say security.insecure = true to send in the clear"
        )


def allow_open(address: str, security: Security) -> None:
    """Raise SecurityError if ``address`` leaves this host and was not asked for; for protocols that know no keys."""
    if not (is_private(address) or security.insecure):
        raise SecurityError(
            f"{address} could be read by anyone who reaches it: keep it on 127.0.0.1 and forward the port, "
            "or say security.insecure = true to have it open"
        )


def serve_curve(socket: zmq.Socket[bytes], security: Security) -> ThreadAuthenticator | None:
    """Make a socket that will bind ask its peers for their keys. Return the authenticator to stop, if any."""
    if not security.keys:
        return None
    folder = Path(security.keys)
    public, secret = _load(folder / f"{INGEST}.key_secret")
    authenticator = ThreadAuthenticator(socket.context)
    authenticator.start()  # before bind: https://github.com/zeromq/libzmq/issues/663
    authenticator.configure_curve(domain="*", location=folder / "sensors")
    socket.curve_publickey, socket.curve_secretkey, socket.curve_server = public, secret, True
    return authenticator


def join_curve(socket: zmq.Socket[bytes], security: Security, sensor: str | None = None) -> None:
    """Give a socket that will connect the keys of ``sensor``, or of the one sensor whose secret lies there."""
    if not security.keys:
        return
    folder = Path(security.keys)
    found = sorted((folder / "sensors").glob(f"{sensor or '*'}.key_secret"))
    if not found:
        raise SecurityError(f"{folder / 'sensors'}: no {sensor or '*'}.key_secret there; make one with `rigbind keys`")
    socket.curve_publickey, socket.curve_secretkey = _load(found[0])
    socket.curve_serverkey = _load(folder / f"{INGEST}.key", secret=False)[0]


def _load(path: Path, secret: bool = True) -> tuple[bytes, bytes]:
    try:
        public, private = zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise SecurityError(f"{path}: {error}") from error
    if secret and private is None:
        raise SecurityError(f"{path}: holds no secret key")
    return public, private or b""
