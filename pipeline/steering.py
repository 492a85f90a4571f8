"""Commands in their place: obeyed after the windows that closed before them, and before those that closed later.

So it does not matter how many windows are under way when one comes, and a replay repeats a run.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from pipeline.control import Drive, ListLabels, Reply, Request
from pipeline.messages import (
    Command,
    DropLabel,
    Event,
    Label,
    Labelling,
    Mark,
    Obeying,
    Operator,
    Remembering,
    Restore,
    SetLabel,
)

MAX_HEARD = 10_000
"""Events that can still be marked."""


class Steering:
    """Hands commands to the ``operators``; ``model`` is what replies call the encoders."""

    def __init__(self, operators: Sequence[Operator], model: str = "") -> None:
        self.operators = operators
        self.model = model
        self.version = 0  # commands obeyed
        self._heard: dict[str, None] = {}  # ids of events, the oldest first
        self._waiting: deque[tuple[int, Request]] = deque()

    def take(self, request: Request, after: int) -> None:
        """Take a request that came after the window that ends ``after`` had closed."""
        self._waiting.append((after, request))

    def hear(self, event: Event) -> None:
        """Remember that there was this event."""
        self._heard[event.id] = None
        if len(self._heard) > MAX_HEARD:
            del self._heard[next(iter(self._heard))]

    def obey(self, end: int) -> Iterator[tuple[Operator, list[Event]]]:
        """Yield who obeyed, and the events of it, for what came before the window that ends at ``end`` closed."""
        while self._waiting and self._waiting[0][0] < end:
            _, request = self._waiting.popleft()
            yield from self._answered(request)

    def labels(self) -> tuple[Label, ...]:
        """Return what is looked for."""
        return tuple(label for it in self.operators if isinstance(it, Labelling) for label in it.known())

    def _answered(self, request: Request) -> Iterator[tuple[Operator, list[Event]]]:
        question = request.question
        if isinstance(question, ListLabels):
            request.answer(self._reply(is_done=True, text=f"{len(self.labels())} labels are looked for"))
            return
        if isinstance(question, Drive):
            request.answer(self._reply(is_done=False, text="this line is live: there is nothing to play"))
            return
        try:
            operator, events = self._obeyed(question)
        except ValueError as error:
            request.answer(self._reply(is_done=False, text=str(error)))
            return
        self.version += 1
        request.answer(self._reply(is_done=True, text=_told(question, is_learned=operator is not None)))
        if operator is not None:
            yield operator, events

    def _obeyed(self, command: Command) -> tuple[Operator | None, list[Event]]:
        """Return who obeyed, nobody for a mark that is merely noted, and the events of it."""
        if isinstance(command, Restore):
            return self._restored(command), []
        for operator in self.operators:
            events = operator.obey(command) if isinstance(operator, Obeying) else None
            if events is not None:
                return operator, list(events)
        if isinstance(command, Mark):
            if command.event in self._heard:
                return None, []
            raise ValueError(f"there was no event {command.event!r}, or it is too long ago")
        if isinstance(command, DropLabel):
            raise ValueError(f"nothing is looked for under the name {command.label!r}")
        raise ValueError("no operator of this rig looks for labels; operators.tagging:Tagger does")

    def _restored(self, command: Restore) -> Operator:
        if not 0 <= command.operator < len(self.operators):
            raise ValueError(f"there is no operator {command.operator}")
        operator = self.operators[command.operator]
        if not isinstance(operator, Remembering):
            raise ValueError(f"{type(operator).__name__} remembers nothing")
        operator.restore(command.state)
        return operator

    def _reply(self, is_done: bool, text: str) -> Reply:
        return Reply(is_done=is_done, text=text, version=self.version, labels=self.labels(), model=self.model)


def _told(command: Command, is_learned: bool) -> str:
    match command:
        case Mark(event=event, right=right):
            said = f"{event} is noted as {'right' if right else 'wrong'}"
            return said if is_learned else f"{said}; nothing learns from it"
        case DropLabel(label=label):
            return f"{label!r} is looked for no more"
        case SetLabel(label=label):
            return f"{label!r} is looked for"
    return f"operator {command.operator} goes on from before"
