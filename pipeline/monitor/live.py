"""News of a board over a WebSocket: what changed since the last message, at the pace at which it is read.

Nothing waits for a client but the one message that it has not taken yet: the next says all that has changed until
then. Who takes none for long is let go.
"""

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from fastapi import WebSocket, WebSocketDisconnect
from msgspec.structs import replace

from pipeline.monitor.board import Board

PERIOD_S = 0.2
"""So long at least is between two messages."""

REFRESH_S = 1.0
"""So long at most: ages grow where nothing happens."""

PATIENCE_S = 10.0
"""So long a client may take for one message."""

EVENTS = 100
"""The latest that one message tells of."""

CLIENTS = 100
"""At a time."""

GOING_AWAY, TRY_LATER = 1001, 1013  # RFC 6455, 7.4.1, and its registry


class Live:
    """Serves ``board`` to any number of sockets up to CLIENTS."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.num_clients = 0

    async def __call__(self, socket: WebSocket) -> None:
        """Tell ``socket`` until it goes, or reads no more."""
        await socket.accept()
        if self.num_clients >= CLIENTS:
            await socket.close(TRY_LATER)
            return
        self.num_clients += 1
        tasks = [asyncio.create_task(self._tell(socket)), asyncio.create_task(_hear(socket))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.num_clients -= 1
            for task in tasks:
                task.cancel()
            with suppress(RuntimeError, TimeoutError):
                await asyncio.wait_for(socket.close(GOING_AWAY), PERIOD_S)

    async def _tell(self, socket: WebSocket) -> None:
        version, known, waited_s = -1, dict[str, Any](), 0.0
        while True:
            if self._board.version != version or waited_s >= REFRESH_S:
                before, version, waited_s = version, self._board.version, 0.0
                state = msgspec.to_builtins(self._board.snapshot())
                events = self._board.events(since=max(0, before))[:EVENTS]
                message = {
                    "version": version,
                    "state": {name: value for name, value in state.items() if known.get(name) != value},
                    "events": [replace(event, pictures={}, sounds={}) for event in events],
                }
                known = state
                async with asyncio.timeout(PATIENCE_S):
                    await socket.send_text(msgspec.json.encode(message).decode())
            await asyncio.sleep(PERIOD_S)
            waited_s += PERIOD_S


async def _hear(socket: WebSocket) -> None:
    """Wait for the client to go; nothing that it says means anything."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_bytes()
