"""ACDC's files on disk: a folder a patient, with Info.cfg and two labelled frames of the heart.

Reads the release with `training/` and `testing/` folders, also where they lie under `database/` or
`ACDC/database/`. The cine series (`patientNNN_4d.nii.gz`) is not read: only ED and ES are labelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import TEXT, whole
from benchhub.outside.foreign.reading import reading

#: The two moments with labels: the fullest and the emptiest heart.
MOMENTS = ("ED", "ES")
SPLITS = {"train": "training", "test": "testing"}
_ROOTS = ("", "database", "ACDC/database", "ACDC")
_ENDINGS = (".nii.gz", ".nii")
#: No series has a frame of a longer number.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One volume: a patient's heart at one moment, where its image and its labels lie."""

    patient: str
    moment: str
    number: int
    image: Path
    truth: Path

    @property
    def name(self) -> str:
        """Name the volume: `patient001_frame01`."""
        return f"{self.patient}_frame{self.number:02d}"


def read_split(folder: Path, split: str) -> tuple[Frame, ...]:
    """Return the frames of "train" or "test": patients by name, ED before ES.

    Raises ConfigError naming the file and the patient: folder missing, no patients, Info.cfg
    missing or without its keys, a frame without an image or without labels.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; --data names a copy of ACDC")
    shelf = _root(folder) / SPLITS[split]
    if not shelf.is_dir():
        raise ConfigError(f"{shelf}: no such folder; ACDC has training/ and testing/")
    patients = sorted(path for path in shelf.iterdir() if path.is_dir() and path.name[:1] != ".")
    if not patients:
        raise ConfigError(f"{shelf}: no patient folders (patient001 ..); unpack the archive here")
    return tuple(frame for patient in patients for frame in _frames(patient))


def check_disjoint(folder: Path, train: tuple[Frame, ...], test: tuple[Frame, ...]) -> None:
    """Raise ConfigError if a patient is in both splits: scores would not be of unseen people."""
    shared = sorted({frame.patient for frame in train} & {frame.patient for frame in test})
    if shared:
        raise ConfigError(
            f"{folder}: {len(shared)} patients are in both splits, first {shared[0]}; "
            "remove them from training/ or from testing/"
        )


def read_info(path: Path) -> dict[str, str]:
    """Return the `Key: value` lines of an Info.cfg."""
    with reading(path, "cannot be read", "copy it again"):
        lines = whole(path, TEXT).decode("utf-8-sig", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _root(folder: Path) -> Path:
    for below in _ROOTS:
        if any((folder / below / shelf).is_dir() for shelf in SPLITS.values()):
            return folder / below
    raise ConfigError(
        f"{folder}: neither training/ nor testing/ here, in database/ or in ACDC/database/; "
        "--data names the folder that holds them"
    )


def _frames(patient: Path) -> tuple[Frame, ...]:
    name, info = patient.name, patient / "Info.cfg"
    if not info.is_file():
        raise ConfigError(f"{info}: no such file (patient {name}); it says which frames are ED, ES")
    said = read_info(info)
    return tuple(_frame(patient, moment, _number(info, said, moment)) for moment in MOMENTS)


def _number(info: Path, said: dict[str, str], moment: str) -> int:
    if moment not in said:
        found = ", ".join(said) or "nothing"
        raise ConfigError(
            f"{info}: no key {moment!r} (patient {info.parent.name}), it has {found}; "
            f"add a line `{moment}: <number of the frame>`"
        )
    if not (said[moment].isdecimal() and len(said[moment]) <= _DIGITS):
        raise ConfigError(
            f"{info}: {moment} is {said[moment][:40]!r} (patient {info.parent.name}), "
            "not the number of a frame; correct the line"
        )
    return int(said[moment])


def _frame(patient: Path, moment: str, number: int) -> Frame:
    stem = f"{patient.name}_frame{number:02d}"
    image, truth = _file(patient, stem), _file(patient, f"{stem}_gt")
    for path, what in ((image, f"{stem}.nii.gz"), (truth, f"{stem}_gt.nii.gz")):
        if path is None:
            raise ConfigError(
                f"{patient / what}: no such file (patient {patient.name}, {moment} by its "
                "Info.cfg); copy it again, or take the patient out"
            )
    assert image is not None
    assert truth is not None
    return Frame(patient.name, moment, number, image, truth)


def _file(folder: Path, stem: str) -> Path | None:
    return next((path for end in _ENDINGS if (path := folder / f"{stem}{end}").is_file()), None)
