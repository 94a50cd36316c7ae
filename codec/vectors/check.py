"""Python's msgpack and the vectors: reads what our encoder wrote, and writes the same values in its own ways.

    pip install --require-hashes -r requirements.txt && python check.py

Compares each case of cases.json with its value, and exits with 1 at the first difference. Then writes python.json, which
the Rust tests read back. `./dev vectors` runs this.
"""

import hashlib
import json
import pathlib
import sys

import msgpack

FOLDER = pathlib.Path(__file__).parent
CASES = json.loads((FOLDER / "cases.json").read_text())
SCHEMA = {one["name"]: one["fields"] for one in json.loads((FOLDER / "schema.json").read_text())["maps"]}

# What a later version, or another service, may put between our keys.
OWN = {"later": {"deep": [None, {"b": b"\x00\xc1"}, -(2**63), 0.5]}, "x" * 40: msgpack.ExtType(5, b"abc"),
       "when": msgpack.Timestamp(1773480413, 589000000), "Channel_key": "another key", 3: True, b"k": 2**64 - 1}


def plain(value):
    """A value as this library has it, out of the file's form."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict) and list(value) == ["bin"]:
        return bytes.fromhex(value["bin"])
    if isinstance(value, dict) and list(value) == ["int"]:
        return int(value["int"])
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def differences(ours, theirs, path=""):
    """Where two values differ. Python takes True for 1, and an integer for a float; the wire does not take the first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [found for key in ours.keys() | theirs.keys()
                for found in differences(ours.get(key), theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [found for at, pair in enumerate(zip(ours, theirs)) for found in differences(*pair, f"{path}[{at}]")]
    same = ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
    return [] if same else [f"{path}: {theirs!r} instead of {ours!r}"]


def each_map(name, value, change):
    """`change` for the map and all maps of the schema in it, not for what is inside a field of any type."""
    out = dict(value)
    for field in SCHEMA[name]:
        inner = field["type"].strip("[]")
        if inner in SCHEMA and field["name"] in out:
            def nested(item):
                return [nested(one) for one in item] if isinstance(item, list) else each_map(inner, item, change)
            out[field["name"]] = nested(out[field["name"]])
    return change(SCHEMA[name], out)


def everywhere(value, change):
    if isinstance(value, dict):
        value = {key: everywhere(item, change) for key, item in value.items()}
    elif isinstance(value, list):
        value = [everywhere(item, change) for item in value]
    return change(value)


def paths(name, value, wanted):
    """Fields of the schema whose value is `wanted`, as errors name them."""
    for field in SCHEMA[name]:
        item = value.get(field["name"])
        if wanted(item):
            yield field["name"]
        for inner in item if isinstance(item, list) else []:
            if isinstance(inner, dict) and field["type"] != "any":
                yield from (f"{field['name']}.{path}" for path in paths(field["type"].strip("[]"), inner, wanted))


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def ways(name, value):
    """Each way to write the value: how, the value in that form, options, and what is special about reading it."""
    defaults = {"": None, '""': "", "[]": [], "false": False, "0": 0, "1": 1}
    reverse = lambda item: dict(reversed(item.items())) if isinstance(item, dict) else item
    between = lambda _, item: {**dict(list(OWN.items())[:3]), **item, **dict(list(OWN.items())[3:])}
    nils = lambda fields, item: {**{field["name"]: None for field in fields}, **item}
    needed = lambda fields, item: {
        field["name"]: item[field["name"]] for field in fields
        if field["name"] in item and (field["presence"] == "required"
                                      or item[field["name"]] != defaults.get(field["default"], field["default"]))}
    yield "as it does by itself", value, {}, {}
    yield "use_single_float=True", value, {"use_single_float": True}, {"floats": "single"}
    yield "whole numbers for floats", everywhere(value, lambda v: int(v) if isinstance(v, float) else v), {}, {"floats": "whole"}
    large = next(paths(name, value, lambda v: is_whole(v) and v > 2**53), None)
    yield ("floats for whole numbers", everywhere(value, lambda v: float(v) if is_whole(v) else v), {},
           {"refused": large} if large else {})
    yield "keys the other way round", everywhere(value, reverse), {}, {}
    yield "keys of its own between ours", each_map(name, value, between), {}, {}
    yield "nil for absent fields", each_map(name, value, nils), {}, {}
    yield "without what has its default", each_map(name, value, needed), {}, {}
    if binary := next(paths(name, value, lambda v: isinstance(v, bytes)), None):
        # The form of msgpack before it had binary. Text and bytes are one there, and we don't guess.
        yield "use_bin_type=False", value, {"use_bin_type": False}, {"refused": binary}


def main():
    written = {}
    for case in CASES:
        name, value = case["name"], plain(case["value"])
        read = msgpack.unpackb(bytes.fromhex(case["bytes"]))
        if found := differences(value, read):
            sys.exit(f"{name}: msgpack reads\n  " + "\n  ".join(found))
        entries = {}
        for how, form, options, special in ways(case["envelope"], value):
            entries.setdefault(msgpack.packb(form, **options).hex(), {"how": [], **special})["how"].append(how)
        written[name] = [{"bytes": data, **entry} for data, entry in entries.items()]
    made_from = hashlib.sha256((FOLDER / "cases.json").read_bytes()).hexdigest()
    library = "msgpack " + ".".join(map(str, msgpack.version[:3]))
    lines = ",\n".join(f"    {json.dumps(name)}: [\n" + ",\n".join(f"      {json.dumps(entry)}" for entry in entries) + "\n    ]"
                       for name, entries in written.items())
    text = f'{{\n  "library": "{library}",\n  "cases": "{made_from}",\n  "written": {{\n{lines}\n  }}\n}}\n'
    (FOLDER / "python.json").write_text(text)
    print(f"{library}: {len(CASES)} cases read, {sum(map(len, written.values()))} written")


if __name__ == "__main__":
    main()
