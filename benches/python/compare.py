"""What Python's msgpack and msgspec take for the envelopes that our codec is measured with.

    pip install --require-hashes -r requirements.txt && python compare.py cases.json > python.json

The file is a list of {"name": .., "bytes": hex}; codec/vectors/cases.json is one. Prints, as JSON, nanoseconds for one decode
and one encode of each: by msgpack (its C extension), by msgspec without a type, and by msgspec into a Struct with every
field of codec/vectors/schema.json. The least of several rounds, since whatever else the machine does only adds to it.
"""

import argparse
import json
import pathlib
import platform
import sys
import timeit
from typing import Any

import msgpack
import msgpack._cmsgpack  # Fails where only the slow form in Python is installed, which nobody would use.
import msgspec

SCHEMA = pathlib.Path(__file__).parents[2] / "codec" / "vectors" / "schema.json"
TYPES = {"str": str, "bin": bytes, "bool": bool, "uint": int, "float": float, "any": Any}
DEFAULTS = {'""': "", "false": False, "0": 0, "1": 1}
ROUNDS = 7
SECONDS = 0.05


def structs(path):
    """A Struct for each map, made of its fields: what is absent reads as its default, and is not written where it has it."""
    maps = {one["name"]: one["fields"] for one in json.loads(path.read_text())["maps"]}
    made = {}

    def type_of(name):
        if name.startswith("["):
            return list[type_of(name[1:-1])]
        return TYPES[name] if name in TYPES else struct(name)

    def member(field):
        of = type_of(field["type"])
        if field["presence"] == "required":
            return field["name"], of
        if field["default"] == "[]":
            return field["name"], of, msgspec.field(default_factory=list)
        if field["default"] == "":
            return field["name"], of | None if of is not Any else Any, None
        return field["name"], of, DEFAULTS.get(field["default"], field["default"])

    def struct(name):
        if name not in made:
            made[name] = msgspec.defstruct(name.capitalize(), map(member, maps[name]), kw_only=True, omit_defaults=True)
        return made[name]

    return {name: struct(name) for name in maps}


def kind_of(value, known):
    """The Struct that a decoded envelope fits: it has all keys of the envelope, and the envelope all that it requires."""
    for struct in known.values():
        fields = struct.__struct_fields__
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        if required <= value.keys() <= set(fields):
            return struct
    sys.exit(f"no map of {SCHEMA.name} has the keys {sorted(value)}")


def nanoseconds(call, argument):
    # As text, so that no call around the call is timed.
    timer = timeit.Timer("call(argument)", globals={"call": call, "argument": argument})
    count, seconds = timer.autorange()
    count = max(1, int(count * SECONDS / seconds))
    return round(min(timer.repeat(ROUNDS, count)) / count * 1e9, 1)


def measure(data, known):
    value = msgpack.unpackb(data)
    struct = kind_of(value, known)
    typed, untyped, encoder = msgspec.msgpack.Decoder(struct), msgspec.msgpack.Decoder(), msgspec.msgpack.Encoder()
    packer, filled = msgpack.Packer(), typed.decode(data)
    # Else this would time two programs that do different things.
    assert packer.pack(value) == encoder.encode(value) == data, "not in the shortest form"
    assert typed.decode(encoder.encode(filled)) == filled
    return {
        "bytes": len(data),
        "struct": struct.__name__,
        "msgpack": {"decode_ns": nanoseconds(msgpack.unpackb, data), "encode_ns": nanoseconds(packer.pack, value)},
        "msgspec": {"decode_ns": nanoseconds(untyped.decode, data), "encode_ns": nanoseconds(encoder.encode, value)},
        "msgspec_typed": {"decode_ns": nanoseconds(typed.decode, data), "encode_ns": nanoseconds(encoder.encode, filled)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    known = structs(SCHEMA)
    cases = [case for case in json.loads(options.cases.read_text()) if options.only in case["name"]]
    results = [{"name": case["name"], **measure(bytes.fromhex(case["bytes"]), known)} for case in cases]
    versions = {"python": platform.python_version(), "msgpack": ".".join(map(str, msgpack.version)), "msgspec": msgspec.__version__}
    json.dump({"versions": versions, "rounds": ROUNDS, "cases": results}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
