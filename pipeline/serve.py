"""Encoders as Ray Serve deployments, one a modality; the only module that knows Ray.

Small messages go by gRPC handles: a five-way fan-out costs a third of the default transport's. Every deployment
checks its own health, so that a wedged replica is replaced in seconds; no HTTP proxy is started, nothing listens
off this host, and the cluster asks for a token made at its start.
"""

import asyncio
import logging
import os
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from threading import Thread
from typing import Any

# Ray reads these while it is imported, not when it starts. Where clusters are off it listens on loopback alone.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve._private import replica
from ray.serve.exceptions import BackPressureError, RayServeException

from pipeline.config import Model, Part
from pipeline.engine import BackendError, build_encoder
from pipeline.errors import EngineError
from pipeline.messages import Array

STUCK_S = 10.0
"""An embedding that takes longer than this marks its replica as unhealthy."""

OBJECT_STORE_BYTES = 256_000_000
"""Ray's shared memory; prepared clips travel by gRPC, so little is kept there."""


LOOK_S = 5.0
"""So often it is looked how the replicas are."""


class Replica:
    """One encoder behind Serve. torch runs in one thread of its own, so that loop and health checks stay alive."""

    def __init__(self, modality: str, part: Part, model: Model, path: list[str]) -> None:
        sys.path[:] = path  # a part is looked for where the line found it
        _stay_on_loopback()
        self._encoder = build_encoder(modality, part, model)
        self._worker = ThreadPoolExecutor(1, "embed")
        self._busy_since: float | None = None

    async def embed(self, batch: Array) -> Array:
        """Return the encoder's answer."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._embed, batch)

    async def check_health(self) -> None:
        """Raise when an embedding has been under way for too long; Serve then replaces this replica."""
        since = self._busy_since
        if since is not None and time.monotonic() - since > STUCK_S:
            raise RuntimeError(f"an embedding has been under way for over {STUCK_S:g} s")

    def _embed(self, batch: Array) -> Array:
        self._busy_since = time.monotonic()
        try:
            return self._encoder.embed(batch)
        finally:
            self._busy_since = None


def _stay_on_loopback() -> None:
    """Have the gRPC server of this replica, by which deployments can call each other, listen on loopback alone.

    Serve (2.60) binds it to all addresses, asks nobody there for a token, and has no option for it.
    """
    serving: Any = replica
    listen = serving.add_port_to_grpc_server
    serving.add_port_to_grpc_server = lambda server, address: listen(server, address.replace("[::]", "127.0.0.1"))


class Serve:
    """A backend whose encoders run as deployments of a Ray that this object starts and stops."""

    def __init__(self, model: Model, parts: Mapping[str, Part]) -> None:
        self._model = model
        self._parts = parts
        self._handles: dict[str, Any] = {}
        self._replicas: Mapping[str, str] = {}
        self._stop = Flag()
        self._watch = Thread(target=self._look, name="replicas", daemon=True)

    async def start(self) -> None:
        """Start Ray and one deployment per modality. Raise EngineError if they do not come up."""
        starting = asyncio.create_task(asyncio.to_thread(self._start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])  # half a Ray cannot be stopped
            raise
        except (RayError, RayServeException, RuntimeError, ValueError, OSError) as error:
            told = await asyncio.to_thread(_complaints)
            await self.close()
            raise EngineError(f"Ray Serve did not start: {told or error}") from error
        self._handles = {
            modality: serve.get_app_handle(modality).options(_by_reference=False, method_name="embed")
            for modality in self._parts
        }
        self._watch.start()

    async def embed(self, modality: str, batch: Array) -> Array:
        """Return the replica's answer. Raise BackendError if it raised, died, or has a full queue."""
        response = self._handles[modality].remote(batch)
        try:
            vectors: Array = await response
        except BackPressureError as error:
            raise BackendError("busy", f"queue of {self._model.max_in_flight} is full") from error
        except (RayError, RayServeException) as error:
            raise BackendError("error", str(error).strip().splitlines()[-1]) from error
        except asyncio.CancelledError:
            response.cancel()
            raise
        return vectors

    def replicas(self) -> Mapping[str, str]:
        """Return the states of each modality's replicas, such as "1 running", some seconds old."""
        return self._replicas

    async def close(self) -> None:
        """Stop deployments and Ray, with every process of theirs."""
        self._stop.set()
        if self._watch.ident is not None:
            await asyncio.to_thread(self._watch.join)
        await asyncio.to_thread(_stop)

    def _look(self) -> None:
        """Ask Serve how it is, now and then: the answer takes a message to its controller."""
        while not self._stop.wait(LOOK_S):
            try:
                applications = serve.status().applications
            except (RayError, RayServeException) as error:
                self._replicas = dict.fromkeys(self._parts, f"unknown: {error}")
                continue
            self._replicas = {
                modality: ", ".join(f"{number} {state.lower()}" for state, number in deployment.replica_states.items())
                for modality, application in applications.items()
                for deployment in application.deployments.values()
            }

    def _start(self) -> None:
        quiet = {"log_level": "ERROR", "enable_access_log": False}
        ray.init(
            address="local",
            num_cpus=max(2, os.cpu_count() or 2),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        serve.start(proxy_location="Disabled", logging_config=quiet)
        gpu_share = min(1.0, ray.cluster_resources().get("GPU", 0)) / max(1, len(self._parts))
        targets = [
            serve.RunTarget(self._application(modality, part, gpu_share), name=modality, route_prefix=None)
            for modality, part in self._parts.items()
        ]
        serve.run_many(targets)

    def _application(self, modality: str, part: Part, gpu_share: float) -> Any:
        deployment: Any = serve.deployment(
            Replica,
            name=modality,
            ray_actor_options={"num_cpus": 0.1, "num_gpus": round(gpu_share, 3)},
            max_ongoing_requests=2,
            max_queued_requests=self._model.max_in_flight,
            health_check_period_s=1,
            health_check_timeout_s=2,
            graceful_shutdown_timeout_s=1,
            graceful_shutdown_wait_loop_s=0.1,
        )
        return deployment.bind(modality, part, self._model, sys.path)


def _complaints() -> str:
    """Return what the deployments that failed say; Serve's own exception only names them."""
    if not ray.is_initialized():
        return ""
    applications = serve.status().applications.values()
    deployments = [deployment for application in applications for deployment in application.deployments.values()]
    return "\n".join(deployment.message for deployment in deployments if deployment.message)


def _stop() -> None:
    if ray.is_initialized():
        ray.shutdown()
