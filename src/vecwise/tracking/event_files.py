"""TensorBoard's event files: records with checksums, and of each the scalars, texts and hyperparameters.

This module must not know runs. Nothing of TensorFlow is needed: a record is read field by field, within bounds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

MOST_RECORD: Final = 1 << 20  # bytes: longer ones hold pictures and graphs, and are passed over
MOST_POINTS: Final = 5_000_000  # of a file
MOST_NAME: Final = 500  # characters
MOST_TEXT: Final = 2_000
_FLOAT, _DOUBLE, _INT32, _STRING, _INT64, _HALF = 1, 2, 3, 7, 9, 19  # TensorFlow's types
_CONTENT: Final = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q", _HALF: "<e"}
_CASTAGNOLI: Final = 0x82F63B78


@dataclass(slots=True)
class EventLog:
    """What event files hold: `points` are (step, value) by tag, in the order of the file; times in seconds of 1970."""

    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    first: float | None = None
    last: float | None = None
    records: int = 0
    problems: list[str] = field(default_factory=list)


def read_events(path: Path, into: EventLog) -> None:
    """Add what a file holds; at a damaged record it stops, keeps what stood before, and says so.

    Raises `OSError`.
    """
    left = MOST_POINTS
    with open(path, "rb") as file:
        try:
            for record in records(file):
                into.records += 1
                left -= _event(record, into)
                if left < 0:
                    into.problems.append(
                        f"{path.name} has over {MOST_POINTS:,} values; the later ones are left out"
                    )
                    return
        except ValueError as error:
            into.problems.append(f"{path.name}: {error}; what stands before was kept")


def records(file: BinaryIO) -> Iterator[memoryview]:
    """Give the records that are short enough to hold scalars. Raises `ValueError` at the first damaged one."""
    number, at = 0, 0
    while head := file.read(12):
        number += 1
        where = f"record {number:,} at byte {at:,}"
        if len(head) < 12:
            raise ValueError(f"{where} is cut off")
        length, check = struct.unpack("<QI", head)
        if masked(head[:8]) != check:
            raise ValueError(f"{where} is damaged in its length")
        at += length + 16
        if length > MOST_RECORD:
            file.seek(length - 1, 1)
            if len(file.read(5)) < 5:
                raise ValueError(f"{where} is cut off")
            continue
        body = file.read(length + 4)
        if len(body) < length + 4:
            raise ValueError(f"{where} is cut off")
        if masked(body[:length]) != int.from_bytes(body[length:], "little"):
            raise ValueError(f"{where} is damaged")
        yield memoryview(body)[:length]


def _table() -> list[int]:
    table = []
    for start in range(256):
        value = start
        for _ in range(8):
            value = value >> 1 ^ (_CASTAGNOLI if value & 1 else 0)
        table.append(value)
    return table


_TABLE: Final = _table()


def masked(data: bytes) -> int:
    """Give the checksum of a record: CRC-32C (Castagnoli, Bräuer and Herrmann, 1993), turned by 15 bits.

    >>> hex(masked(b"123456789"))  # of which the CRC-32C is e3069283
    '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# ---- protocol buffers: a field is its number, its wire type, and a number or bytes ----

Field = tuple[int, int, Any]


def fields(message: memoryview) -> Iterator[Field]:
    """Give the fields of a message. Raises `ValueError` for what is no message.

    >>> list(fields(memoryview(bytes([0x10, 0x96, 0x01]))))
    [(2, 0, 150)]
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, kind, value
            continue
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, at = _varint(message, at)
        elif not size:
            raise ValueError("a record is no event")
        if size > len(message) - at:
            raise ValueError("a record is no event")
        yield key >> 3, kind, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a record is no event")


def _event(record: memoryview, into: EventLog) -> int:
    """Add an event; how many values it had."""
    time, step, summaries = None, 0, []
    for number, kind, value in fields(record):
        if (number, kind) == (1, 1):
            (time,) = struct.unpack("<d", value)
        elif (number, kind) == (2, 0):
            step = _signed(value)
        elif (number, kind) == (5, 2):
            summaries.append(value)
    if time is not None and 0 < time < 1e11:
        into.first = time if into.first is None else min(into.first, time)
        into.last = time if into.last is None else max(into.last, time)
    found = 0
    for summary in summaries:
        for number, kind, value in fields(summary):
            if (number, kind) == (1, 2):
                found += 1
                _value(value, step, into)
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _value(message: memoryview, step: int, into: EventLog) -> None:
    tag, scalar, tensor, plugin = "", None, None, ("", memoryview(b""))
    for number, kind, value in fields(message):
        if (number, kind) == (1, 2):
            tag = str(value, "utf-8", "replace")[:MOST_NAME]
        elif (number, kind) == (2, 5):
            (scalar,) = struct.unpack("<f", value)
        elif (number, kind) == (8, 2):
            tensor = value
        elif (number, kind) == (9, 2):
            plugin = _plugin(value)
    if plugin[0] == "hparams":
        _hyperparameters(plugin[1], into)
    elif scalar is not None:
        into.points.setdefault(tag, []).append((step, scalar))
    elif tensor is not None:
        held = _tensor(tensor)
        if isinstance(held, float):
            into.points.setdefault(tag, []).append((step, held))
        elif isinstance(held, str):
            into.texts[tag] = held


def _tensor(message: memoryview) -> float | str | None:
    """The only number or text of a tensor; None for any other."""
    dtype = 0
    numbers: list[float] = []
    texts: list[str] = []
    for number, kind, value in fields(message):
        if (number, kind) == (1, 0):
            dtype = value
        elif number == 4 and kind == 2 and dtype in _CONTENT:
            form = _CONTENT[dtype]
            numbers += struct.unpack(form, value) if len(value) == struct.calcsize(form) else [0.0, 0.0]
        elif number in (5, 6) and kind in (1, 2, 5):
            size, form = (4, "<f") if number == 5 else (8, "<d")
            numbers += [struct.unpack(form, value)[0]] if len(value) == size else [0.0, 0.0]
        elif number in (7, 10):
            numbers += [_signed(value)] if kind == 0 else _packed(value)
        elif number == 8 and kind == 2:
            texts.append(str(value[:MOST_TEXT], "utf-8", "replace"))
    if dtype == _STRING:
        return texts[0] if len(texts) == 1 else None
    return float(numbers[0]) if len(numbers) == 1 else None


def _packed(message: memoryview) -> list[int]:
    value, end = _varint(message, 0)
    return [_signed(value)] if end == len(message) else [0, 0]


def _plugin(metadata: memoryview) -> tuple[str, memoryview]:
    """The name of the plugin that a value is for, and what it is told."""
    name, content = "", memoryview(b"")
    for number, kind, value in fields(metadata):
        if (number, kind) == (1, 2):
            for inner, inner_kind, told in fields(value):
                if (inner, inner_kind) == (1, 2):
                    name = str(told, "utf-8", "replace")
                elif (inner, inner_kind) == (2, 2):
                    content = told
    return name, content


def _hyperparameters(content: memoryview, into: EventLog) -> None:
    """The session's start names each parameter with its number, text or truth value."""
    for number, kind, start in fields(content):
        if (number, kind) != (3, 2):
            continue
        for inner, inner_kind, entry in fields(start):
            if (inner, inner_kind) == (1, 2):
                parts = {place: value for place, wire, value in fields(entry) if wire == 2}
                name = str(parts.get(1, b""), "utf-8", "replace")[:MOST_NAME]
                for form, wire, value in fields(parts.get(2, memoryview(b""))):
                    if (form, wire) == (2, 1):
                        (into.params[name],) = struct.unpack("<d", value)
                    elif (form, wire) == (3, 2):
                        into.params[name] = str(value[:MOST_TEXT], "utf-8", "replace")
                    elif (form, wire) == (4, 0):
                        into.params[name] = bool(value)
