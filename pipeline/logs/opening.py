"""Opens whatever holds a recording: by a file's first bytes, or by what lies in a folder."""

from collections.abc import Sequence
from os.path import exists, isdir
from pathlib import Path

from pipeline.logs.columns import Columns, open_table
from pipeline.logs.folders import open_arrays, open_euroc, open_tum, pairs
from pipeline.logs.media import Media
from pipeline.logs.message_log import MessageLog
from pipeline.logs.source import Source
from pipeline.logs.together import Together
from pipeline.logs.ulog import open_ulog

ULOG = b"ULog\x01\x12\x35"
MEDIA = (b"RIFF", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"ID3", b"\xff\xfb", b"FORM")
"""First bytes of wav and avi, flac, ogg, mkv and webm, mp3, aiff; mp4 and mov say ``ftyp`` after their first four."""

FILMS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aiff")
"""What is taken for a rig's recording where it lies in one folder."""

TABLES = (".csv", ".tsv")


def open_source(path: Path, columns: Sequence[Columns] = ()) -> Source:
    """Open ``path``, or ``name=path`` to have its topics called so. Raise LogError if it is no recording."""
    name, given, rest = str(path).partition("=")
    if given and not exists(path):
        path = Path(rest)
    else:
        name = path.stem
    if isdir(path):
        return _open_folder(path)
    head = _head(path)
    if head.startswith(ULOG):
        return open_ulog(path)
    if head.startswith(MEDIA) or head[4:8] == b"ftyp":
        return Media(path, name)
    if path.suffix.lower() in TABLES and head:
        return open_table(path, columns)
    return MessageLog(path)


def _open_folder(folder: Path) -> Source:
    if any((folder / name).is_file() for name in ("rgb.txt", "depth.txt", "accelerometer.txt")):
        return open_tum(folder)
    if (folder / "mav0").is_dir() or (folder / "imu0" / "data.csv").is_file():
        return open_euroc(folder)
    if (folder / "metadata.yaml").is_file() or any(folder.glob("*.mcap")) or any(folder.glob("*.db3")):
        return MessageLog(folder)
    if films := sorted(path for path in folder.iterdir() if path.suffix.lower() in FILMS):
        return Together({path: Media(path, path.stem) for path in films})
    if next(pairs(folder), None):
        return open_arrays(folder)
    return MessageLog(folder)


def _head(path: Path) -> bytes:
    """Return the first bytes; none of what cannot be read, which ``MessageLog`` tells of."""
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""
