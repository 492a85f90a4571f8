"""AudioCaps (Kim et al., NAACL 2019): ten seconds of AudioSet with one caption, in test five; lists as published.

``SPLIT.csv`` or ``dataset/SPLIT.csv`` has ``audiocap_id, youtube_id, start_time, caption``; sounds, which everybody
fetches, lie anywhere below, called ``[Y]YOUTUBE_ID[_START…]`` or by their ``audiocap_id``. What is not there is no
item.
"""

from collections import defaultdict
from functools import partial
from pathlib import Path

from operators.encoders.files import FILMS, SOUNDS, clips_of
from operators.sets.item import Item
from operators.sets.reading import rows_of, some
from operators.sets.youtube import cut_of, cuts_in

SPLITS = ("test", "val", "train")
COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


def items(folder: Path, split: str = "") -> list[Item]:
    """Return the sounds of ``split``, or of the first that is there: test, val, train, each with all its captions.

    Raise ValueError if ``folder`` is no such set.
    """
    lists = [folder / place / f"{name}.csv" for name in ((split,) if split else SPLITS) for place in ("", "dataset")]
    listed = next((path for path in lists if path.is_file()), lists[0])
    cuts, numbered = cuts_in(folder), {path.stem: path for path in folder.rglob("*") if path.suffix in SOUNDS + FILMS}
    captions: dict[tuple[str, str], list[str]] = defaultdict(list)
    files: dict[tuple[str, str], Path] = {}
    for row in rows_of(listed, COLUMNS):
        key = row["youtube_id"], row["start_time"]
        path = cut_of(cuts, key[0], _seconds(listed, key[1])) or numbered.get(row["audiocap_id"])
        if path is not None:
            captions[key].append(row["caption"])
            files.setdefault(key, path)
    found = [
        Item(
            name=f"{film}_{start}",
            senses={"audio": partial(clips_of, files[film, start], "audio")},
            captions=tuple(told),
            group=film,
        )
        for (film, start), told in captions.items()
    ]
    return some(found, folder, f"sound of {listed.name}, called by its youtube_id or audiocap_id")


def _seconds(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{path}: start_time {text!r} is no number of seconds") from error
