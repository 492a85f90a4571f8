"""The rooms keep to their arrows: sensors → pipeline.messages ← operators; pipeline names neither."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipeline", "sensors", "operators")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

HOMES = {
    "zmq": {
        "pipeline/bus.py",
        "pipeline/security.py",
        "pipeline/feed.py",
        "pipeline/control.py",
        "pipeline/commands/bench",
    },
    "ray": {"pipeline/serve.py", "pipeline/train.py"},
    "rosbags": {"pipeline/logs"},
    "mcap": {"pipeline/logs", "pipeline/commands/bench"},
    "mujoco": {"sensors/simulator"},
    "cv2": {"sensors/camera.py", "operators/encoders/focus.py"},
    "sounddevice": {"sensors/microphone.py"},
    "torch": {"operators", "pipeline/engine.py", "pipeline/commands/bench", "pipeline/commands/mini"},
    "torchaudio": {"operators"},
    "open_clip": {"operators/encoders"},
    "av": {"operators/encoders", "pipeline/logs"},
    "river": {"operators/evaluation/anomaly_models.py"},
    "pyod": {"operators/evaluation/anomaly_models.py"},
    "pyulog": {"pipeline/logs"},
    "google": {"pipeline/logs"},
    "jinja2": {"pipeline/report"},
    "matplotlib": {
        "operators/encoders/show.py",
        "pipeline/commands/eval",
        "pipeline/commands/bind",
        "pipeline/commands/explain",
    },
    "foxglove": {"pipeline/monitor/foxglove.py"},
    "rerun": {"pipeline/monitor/rerun.py"},
    "prometheus_client": {"pipeline/monitor/metrics.py"},
    "uvicorn": {"pipeline/monitor"},
    "starlette": {"pipeline/monitor"},
    "fastapi": {"pipeline/monitor"},
    "paho": {"pipeline/sinks/mqtt.py"},
    "safetensors": {"operators"},
    "lancedb": {"pipeline/search/table.py"},
    "pyarrow": {"pipeline/search/table.py"},
    "nicegui": {"pipeline/monitor"},
    "typer": {"pipeline/commands"},
    "rich": {"pipeline/commands", "pipeline/monitor"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[str]:
    """Every module that the file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module or ""]
    return found


def may_import(importer: str, imported: str) -> bool:
    """Say whether the arrow is on the map."""
    room, other = importer.partition(".")[0], imported.partition(".")[0]
    if other not in ROOMS or importer.startswith("pipeline.commands"):
        return True
    if room in ("sensors", "operators"):
        return other == room or imported.startswith("pipeline.messages") or imported == "pipeline"
    return other == "pipeline" and not imported.startswith("pipeline.commands")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_imports_against_the_arrows(path: Path) -> None:
    wrong = [name for name in imports(path) if not may_import(module_of(path), name)]
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_dependencies_stay_in_their_homes(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for name in imports(path):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or any(place.startswith(home) for home in homes), f"{place} imports {name}"


def test_messages_imports_nothing_of_ours() -> None:
    assert not [name for name in imports(ROOT / "pipeline/messages.py") if name.partition(".")[0] in ROOMS]


def test_nothing_is_imported_in_a_circle() -> None:
    modules = {module_of(path) for path in FILES}
    graph = {
        module_of(path): {name for name in imports(path) if name in modules and name != module_of(path)}
        for path in FILES
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for name in graph[module]:
                visit(name, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_the_arrows_can_fail() -> None:
    assert not may_import("sensors.camera", "pipeline.bus")
    assert not may_import("operators.novelty", "sensors.camera")
    assert not may_import("pipeline.run", "operators.fusion")
    assert not may_import("pipeline.run", "pipeline.commands.demo")
    assert may_import("sensors.camera", "pipeline.messages.Sample")
