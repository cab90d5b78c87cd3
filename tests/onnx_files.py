"""Small ONNX files, written field by field: the tests need a graph or two, not a package that builds them."""

from __future__ import annotations


def _varint(number: int) -> bytes:
    made = bytearray()
    while True:
        number, low = number >> 7, number & 127
        made.append(low | (128 if number else 0))
        if not number:
            return bytes(made)


def field(place: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer: a whole number, or bytes with their length."""
    if isinstance(value, int):
        return _varint(place << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(place << 3 | 2) + _varint(len(raw)) + raw


def node(op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: int) -> bytes:
    made = b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs)
    made += field(4, op) + (field(7, domain) if domain else b"")
    for name, value in attributes.items():
        made += field(5, field(1, name) + field(3, value) + field(20, 2))
    return made


def value(name: str, kind: int, dims: list[str]) -> bytes:
    """An input or output of type `kind` (1 float, 7 int64) with named dimensions."""
    shape = b"".join(field(1, field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def axes(name: str, axis: int) -> bytes:
    return field(1, 1) + field(2, 7) + field(8, name) + field(9, axis.to_bytes(8, "little"))


def model(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], constants: list[bytes]) -> bytes:
    graph = b"".join(field(1, one) for one in nodes) + field(2, "graph")
    for place, parts in ((5, constants), (11, inputs), (12, outputs)):
        graph += b"".join(field(place, part) for part in parts)
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def sum_of_tokens() -> bytes:
    """A "model" that gives one vector a text, the sum of its tokens' numbers, of which padding is 0."""
    nodes = [
        node("Cast", ["input_ids"], ["x"], to=1),
        node("ReduceSum", ["x", "last"], ["sentence_embedding"]),
    ]
    inputs = [value("input_ids", 7, ["batch", "sequence"])]
    outputs = [value("sentence_embedding", 1, ["batch", "dim"])]
    return model(nodes, inputs, outputs, [axes("last", 1)])


def numbers_of_tokens(*, dynamic: bool, input_name: str = "input_ids", domain: str = "") -> bytes:
    """A "transformer" whose vector of a token is its number, quantized by the whole batch if `dynamic`."""
    nodes = [node("Cast", [input_name], ["x"], domain, to=1)]
    if dynamic:
        nodes += [
            node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
            node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
        ]
    nodes.append(node("Unsqueeze", ["y" if dynamic else "x", "last"], ["last_hidden_state"]))
    inputs = [value(input_name, 7, ["batch", "sequence"])]
    outputs = [value("last_hidden_state", 1, ["batch", "sequence", "dim"])]
    return model(nodes, inputs, outputs, [axes("last", 2)])
