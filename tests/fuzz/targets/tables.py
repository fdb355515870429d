"""Texts that come with data sets: outlines in XML, the table and the lists of ChestX-ray14."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchhub.tasks.chest_xray.layout import read_split
from benchhub.tasks.nuclei.annotations import read_instances

from ..target import Target

_SQUARE = ((2, 2), (9, 2), (9, 9), (2, 9))
_LARGE = ((0, 0), (31, 0), (31, 31), (0, 31))


def outlines(*regions: tuple[tuple[float, float], ...], head: str = "") -> bytes:
    """Return an annotation as MoNuSeg has it."""
    inside = "".join(
        '<Region Id="1" Type="0"><Vertices>'
        + "".join(f'<Vertex X="{x}" Y="{y}" Z="0" />' for x, y in region)
        + "</Vertices></Region>"
        for region in regions
    )
    whole = f'<Annotation Id="1"><Regions>{inside}</Regions></Annotation>'
    return f"{head}<Annotations>{whole}</Annotations>".encode()


def _annotations() -> Iterator[bytes]:
    yield outlines(_SQUARE, _LARGE, ((1, 1), (2, 2)))
    yield outlines()
    yield outlines(_SQUARE, head='<?xml version="1.0" encoding="UTF-8"?>')
    yield b"\xff\xfe" + outlines(_SQUARE, head='<?xml version="1.0"?>').decode().encode("utf-16-le")


def _outlines(path: Path) -> None:
    read_instances(path, (32, 32))


_NAMES = [f"{at:08d}_000.png" for at in range(4)]
_TABLE = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
    + "".join(
        f"{name},Cardiomegaly|Emphysema,0,{at},58,M,PA,9,9,0.1,0.1,\n"
        for at, name in enumerate(_NAMES)
    )
)
_LIST = "\n".join(_NAMES)


def _copy(folder: Path, table: bytes, names: bytes) -> None:
    (folder / "Data_Entry_2017.csv").write_bytes(table)
    (folder / "test_list.txt").write_bytes(names)
    (folder / "images").mkdir()
    for name in _NAMES:
        (folder / "images" / name).touch()
    read_split(folder, "test")


def _table(path: Path) -> None:
    _copy(path.parent, path.read_bytes(), _LIST.encode())


def _list(path: Path) -> None:
    _copy(path.parent, _TABLE.encode(), path.read_bytes())


def _laughs() -> bytes:
    """Each entity is ten of the one before."""
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(12)
    )
    whole = outlines(_SQUARE, head=f"<!DOCTYPE Annotations [{entities}]>")
    return whole.replace(b'X="2"', b'X="&m;"')


def _declared(what: str) -> bytes:
    return outlines(_SQUARE, head=f"<!DOCTYPE Annotations {what}>")


def _encoded(name: str) -> bytes:
    return outlines(_SQUARE, head=f'<?xml version="1.0" encoding="{name}"?>')


_XML = "not readable as XML"
_DECLARED = "declarations are not read"
_CSV = b"Image Index,Finding Labels,Patient ID\n"

TARGETS = (
    Target(
        "outlines", _outlines, _annotations, ".xml",
        (b"<Region>", b"</Region>", b"<Vertex", b'X="1"', b'Y="1e9"', b"<!DOCTYPE", b"<![CDATA[",
         b"&amp;", b"<!ENTITY a 'b'>", b"&a;", b"<?xml", b"encoding=", b"<!--", b"-->", b"/>",
         b"nan", b"UTF-16"),
        needs=("skimage",),
        hard={
            "entities of entities": (_laughs, _DECLARED),
            "a file elsewhere": (
                lambda: _declared('[<!ENTITY a SYSTEM "file:///etc/passwd">]'), _DECLARED
            ),
            "a document type elsewhere": (
                lambda: _declared('SYSTEM "http://localhost:9/a.dtd"'), _DECLARED
            ),
            "a default for all": (
                lambda: _declared('[<!ATTLIST Vertex X CDATA "1">]'), _DECLARED
            ),
            "an unknown encoding": (lambda: _encoded("klingon"), _XML),
            "an encoding of several bytes": (lambda: _encoded("shift_jis"), _XML),
            "an encoding that is code": (lambda: _encoded("zlib"), _XML),
            "nested deeply": (lambda: b"<a>" * 60_000, _XML),
            "regions in regions": (
                lambda: b"<A>" + b"<Region>" * 20_000 + b'<Vertex X="1" Y="1"/>' * 5000
                + b"</Region>" * 20_000 + b"</A>", None,
            ),
            "corners far out": (lambda: outlines(((0, 0), (1e300, 0), (5, 5))), "has a vertex at"),
            "corners without end": (
                lambda: outlines(tuple((at % 31, at * 7 % 31) for at in range(40_000))), None
            ),
            "NUL": (lambda: outlines(_SQUARE) + b"\0", _XML),
            "not its encoding": (lambda: outlines(_SQUARE).replace(b"Id", b"\xff\xfe"), _XML),
        },
    ),
    Target(
        "csv", _table, lambda: [_TABLE.encode(), b"\xef\xbb\xbf" + _TABLE.encode()], ".csv",
        (b",", b"\n", b'"', b"\r\n", b"|", b"Cardiomegaly", b"No Finding", b"Patient ID", b"\0"),
        hard={
            "NULs": (lambda: _TABLE.replace(",", "\0").encode(), "no column"),
            "NULs in rows": (lambda: _TABLE.replace("Emphysema", "\0").encode(), "is unknown"),
            "a quote without end": (lambda: _CSV + b'"' + b"a," * 99_000, ""),
            "a field larger than fields": (lambda: _CSV + b"a" * 200_000 + b",b,c\n", "separated"),
            "not UTF-8": (
                lambda: b"\xff\xfe" + _TABLE.encode("utf-16-le"), "not UTF-8 at byte 0"
            ),
            "nothing": (lambda: b"", "no column"),
            "escapes": (lambda: _TABLE.replace("Emphysema", "\x1b[2J").encode(), "is unknown"),
        },
    ),
    Target(
        "csv-list", _list, lambda: [_LIST.encode()], ".txt", tuple(map(str.encode, _NAMES)),
        hard={
            "not UTF-8": (lambda: b"\xff\xfe", "not UTF-8 at byte 0"),
            "names that lead out": (lambda: b"../../../etc/passwd\n", "no row for"),
            "a long name": (lambda: b"a" * 100_000, "no row for"),
        },
    ),
)  # fmt: skip
