"""The buttons of a replay: play, pause, step, speed, loop, and a bar to seek by with the events on it."""

from collections.abc import Callable
from typing import Any, Literal

from nicegui import events, ui

from pipeline.control import Drive
from pipeline.driving import Place
from pipeline.messages import NS
from pipeline.monitor.scene import Scene
from pipeline.monitor.views.asking import Ask, said

SPEEDS = {0.5: "0.5×", 1.0: "1×", 2.0: "2×", 5.0: "5×", 0.0: "max"}

BACK = 5 * NS
"""What the left arrow goes back by."""

MARKS = 200
"""Events that are marked; the latest."""


def driving(scene: Scene, ask: Ask | None) -> Callable[[], None]:
    """Add the bar, which is hidden while no replay is heard."""

    async def press(
        action: Literal["play", "pause", "step", "seek", "rate", "loop"], stamp: int = 0, rate: float = 0.0
    ) -> None:
        if ask is not None:
            await said(ask, Drive(action=action, stamp=stamp, rate=rate))

    async def toggle() -> None:
        await press("play" if scene.place and scene.place.is_paused else "pause")

    async def sought(change: events.GenericEventArguments) -> None:
        moved, drawn["moved"] = drawn["moved"], None
        if scene.place is not None:
            await press("seek", scene.place.start + round(float(change.args if moved is None else moved) * NS))

    async def typed(key: events.KeyEventArguments) -> None:
        if scene.place is None or not key.action.keydown or key.action.repeat:
            return
        if key.key == " ":
            await toggle()
        elif key.key.arrow_right:
            await press("step")
        elif key.key.arrow_left:
            await press("seek", scene.place.position - BACK)

    drawn: dict[str, Any] = {"marks": (), "moved": None}  # to where a hand has moved the bar, until it lets go
    with ui.element("div").classes("rb-drive") as bar:
        button = ui.button(icon="pause", on_click=toggle).props(
            'flat dense round color=white aria-label="play or pause"'
        )
        ui.button(icon="skip_next", on_click=lambda: press("step")).props(
            'flat dense round color=white aria-label="next window"'
        )
        with ui.element("div").classes("rb-seek"):
            marks = ui.element("div").classes("rb-marks")
            slider = ui.slider(min=0, max=1, step=0.1, value=0).props('dense dark aria-label="where in the log"')
            slider.on("change", sought)
            slider.on("update:model-value", lambda move: drawn.update(moved=move.args))
            slider.on("keydown.stop", js_handler="() => {}")  # its arrows are its own
        at = ui.label().classes("rb-num")
        speed = ui.select(SPEEDS, value=1.0, on_change=lambda change: _set(press, scene, change.value))
        speed.props('dense borderless dark options-dense aria-label="speed"')
        loop = ui.button(icon="repeat", on_click=lambda: press("loop")).props(
            'flat dense round color=white aria-label="loop"'
        )
    ui.keyboard(on_key=typed)

    def refresh() -> None:
        place = scene.place
        bar.set_visibility(place is not None)
        if place is None:
            return
        bar.props(f'data-held="{str(place.is_paused).lower()}"')
        button.props(f"icon={'play_arrow' if place.is_paused else 'pause'}")
        loop.classes(remove="rb-off-button") if place.is_looping else loop.classes("rb-off-button")
        slider.props(f"max={(place.end - place.start) / NS:.1f}")
        if drawn["moved"] is None:
            slider.set_value((place.position - place.start) / NS)
        at.set_text(f"{_clock(place.position - place.start)} / {_clock(place.end - place.start)}")
        speed.set_value(place.rate if place.rate in SPEEDS else None)
        found = tuple(sorted({event.start for event in scene.board.events()[:MARKS]}))
        if drawn["marks"] != found:
            drawn["marks"] = found
            marks.clear()
            with marks:
                for stamp in found:
                    ui.element("i").style(f"left:{_share(place, stamp):.2f}%")

    return refresh


async def _set(press: Callable[..., object], scene: Scene, rate: float | None) -> None:
    """Change the speed, if a person has chosen another."""
    if rate is not None and scene.place is not None and rate != scene.place.rate:
        await press("rate", rate=rate)  # type: ignore[misc]


def _share(place: Place, stamp: int) -> float:
    return min(100.0, max(0.0, 100 * (stamp - place.start) / max(1, place.end - place.start)))


def _clock(nanoseconds: int) -> str:
    """Say a time in a log.

    >>> _clock(62_500_000_000), _clock(59_990_000_000), _clock(0)
    ('1:02.5', '1:00.0', '0:00.0')
    """
    minutes, tenths = divmod(round(10 * nanoseconds / NS), 600)
    return f"{minutes}:{tenths / 10:04.1f}"
