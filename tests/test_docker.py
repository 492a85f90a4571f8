"""The container files say what they must; there is no engine here that could build them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


def test_compose_has_the_demo_and_a_profile_to_run_a_rig() -> None:
    assert SERVICES["demo"]["command"][0] == "demo"
    assert "profiles" not in SERVICES["demo"]
    assert SERVICES["run"]["profiles"] == ["run"]
    assert SERVICES["run"]["command"] == ["run", "/rig/rig.toml"]
    assert SERVICES["run"]["volumes"][0].endswith(":/rig/rig.toml:ro")


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_services_are_not_root_stay_on_loopback_and_have_shared_memory(service: dict[str, Any]) -> None:
    assert service["user"] == "rigbind"
    assert service["shm_size"] == "1gb"
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cpu"])
def test_images_install_this_tree_and_run_the_demo_as_nobody_special(name: str) -> None:
    steps = re.sub(r"\\\n\s*", "", (DOCKER / name).read_text()).splitlines()
    assert [step for step in steps if step.startswith("FROM")] == ["FROM python:3.12-slim"]
    assert next(i for i, step in enumerate(steps) if step.startswith("RUN") and "pip install" in step) < steps.index(
        "USER rigbind"
    )
    assert steps[-2:] == ['ENTRYPOINT ["rigbind"]', 'CMD ["demo"]']
    assert not [step for step in steps if "://" in step]


def test_the_image_for_cpus_asks_for_the_torch_that_the_package_asks_for() -> None:
    asked = re.findall(r"'((?:torch|torchaudio)>[^']*)'", (DOCKER / "Dockerfile.cpu").read_text())
    assert set(asked) == set(re.findall(r'"((?:torch|torchaudio)>[^"]*)"', (ROOT / "pyproject.toml").read_text()))
