// JavaScript's @msgpack/msgpack and the vectors: reads what our encoder wrote, and writes the same values in its own ways.
//
//     npm ci && node check.mjs
//
// Compares each case of cases.json with its value, and exits with 1 at the first difference. Then writes javascript.json,
// which the Rust tests read back. `./dev vectors` runs this, on a copy beside its modules, with the folder as argument.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

import { ExtData, decode, encode } from "@msgpack/msgpack";

const folder = process.argv[2] ?? dirname(fileURLToPath(import.meta.url));
const read = (name) => readFileSync(join(folder, name), "utf8");
const cases = JSON.parse(read("cases.json"));
const schema = new Map(JSON.parse(read("schema.json")).maps.map(({ name, fields }) => [name, fields]));

const unhex = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const isMap = (value) => value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;

// A value as this library has it, out of the file's form. A number beyond 53 bits becomes what `large` makes of it.
function plain(value, large) {
  if (Array.isArray(value)) return value.map((item) => plain(item, large));
  if (!isMap(value)) return value;
  const keys = Object.keys(value).join();
  if (keys === "bin") return unhex(value.bin);
  if (keys === "int") return large(value.int);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, large)]));
}

// `change` for every value, from the inside out.
function everywhere(value, change) {
  if (Array.isArray(value)) return change(value.map((item) => everywhere(item, change)));
  if (!isMap(value)) return change(value);
  return change(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, everywhere(item, change)])));
}

// `change` for the map and all maps of the schema in it, not for what is inside a field of any type.
function eachMap(name, value, change) {
  const map = { ...value };
  for (const { name: key, type } of schema.get(name)) {
    const inner = type.replace(/[[\]]/g, "");
    const nested = (item) => (Array.isArray(item) ? item.map(nested) : eachMap(inner, item, change));
    if (schema.has(inner) && key in map) map[key] = nested(map[key]);
  }
  return change(map, schema.get(name));
}

// What a later version, or another service, may put between our keys.
const before = { later: { deep: [null, { b: Uint8Array.of(0, 0xc1) }, -1e300, 0.5] }, Channel_key: "another key" };
const behind = { ["x".repeat(40)]: new ExtData(5, Uint8Array.of(1, 2, 3)), when: new Date(1773480413589), 7: true };

// Each way to write the value: how, its bytes, and what is special about reading them.
function* ways(name, value, isBeyond) {
  const lossy = plain(value, Number);
  const exact = plain(value, BigInt);
  // Its numbers are floats, so it writes a whole one beyond 53 bits as the nearest float: not the number that was meant.
  // Our readers refuse that rather than take another number.
  const refused = isBeyond ? { refused: isBeyond } : {};
  const whole = (item) => typeof item === "number" && Number.isInteger(item);
  const absent = (map, fields) => ({ ...Object.fromEntries(fields.map((field) => [field.name, undefined])), ...map });
  const options = { useBigInt64: true };
  yield ["as it does by itself", encode(lossy), refused];
  yield ["useBigInt64, bigints above 53 bits", encode(exact, options), {}];
  // With this option a plain number above 32 bits becomes a float.
  yield ["useBigInt64, plain numbers", encode(lossy, options), refused];
  yield ["useBigInt64, bigints only", encode(everywhere(exact, (item) => (whole(item) ? BigInt(item) : item)), options), {}];
  yield ["forceIntegerToFloat", encode(lossy, { forceIntegerToFloat: true }), refused];
  // Plain numbers beyond 53 bits are no integers to it, and end as floats of 32 bits.
  yield ["forceFloat32", encode(lossy, { forceFloat32: true }), { floats: "single", ...refused }];
  const truncated = everywhere(exact, (item) => (typeof item === "number" ? Math.trunc(item) : item));
  yield ["whole numbers for floats", encode(truncated, options), { floats: "whole" }];
  yield ["undefined for absent fields", encode(eachMap(name, exact, absent), options), {}];
  yield ["undefined, ignoreUndefined", encode(eachMap(name, exact, absent), { ...options, ignoreUndefined: true }), {}];
  yield ["sortKeys", encode(exact, { ...options, sortKeys: true }), {}];
  yield ["keys of its own between ours", encode(eachMap(name, exact, (map) => ({ ...before, ...map, ...behind })), options), {}];
}

// The field that holds a number beyond 53 bits, as errors name it.
function beyond(name, value) {
  for (const { name: key, type } of schema.get(name)) {
    if (typeof value[key] === "bigint") return key;
    const inner = type.replace(/[[\]]/g, "");
    const items = schema.has(inner) ? [value[key] ?? []].flat(Infinity) : [];
    const path = items.map((item) => beyond(inner, item)).find(Boolean);
    if (path) return `${key}.${path}`;
  }
}

// With `useBigInt64` every number of 64 bits is a bigint when it is read; those that fit are compared as numbers.
const small = (item) => (typeof item === "bigint" && item <= Number.MAX_SAFE_INTEGER ? Number(item) : item);

function compare(name, how, ours, theirs) {
  if (isDeepStrictEqual(ours, theirs)) return;
  console.error(`${name}: @msgpack/msgpack, ${how}, reads\n`, theirs, "\ninstead of\n", ours);
  process.exit(1);
}

const entries = {};
for (const { name, envelope, bytes, value } of cases) {
  const data = unhex(bytes);
  compare(name, "useBigInt64", plain(value, BigInt), everywhere(decode(data, { useBigInt64: true }), small));
  // By itself it rounds what is beyond 53 bits, and says nothing.
  compare(name, "by itself", plain(value, Number), decode(data));
  const byBytes = new Map();
  for (const [how, encoded, special] of ways(envelope, value, beyond(envelope, plain(value, BigInt)))) {
    const hex = Buffer.from(encoded).toString("hex");
    if (!byBytes.has(hex)) byBytes.set(hex, { bytes: hex, how: [], ...special });
    byBytes.get(hex).how.push(how);
  }
  entries[name] = [...byBytes.values()];
}

const library = `@msgpack/msgpack ${createRequire(import.meta.url)("@msgpack/msgpack/package.json").version}`;
const madeFrom = createHash("sha256").update(read("cases.json")).digest("hex");
const list = (items) => items.map((item) => `      ${JSON.stringify(item)}`).join(",\n");
const lines = Object.entries(entries).map(([name, items]) => `    ${JSON.stringify(name)}: [\n${list(items)}\n    ]`);
const text = `{\n  "library": "${library}",\n  "cases": "${madeFrom}",\n  "written": {\n${lines.join(",\n")}\n  }\n}\n`;
writeFileSync(join(folder, "javascript.json"), text);
console.log(`${library}: ${cases.length} cases read, ${Object.values(entries).flat().length} written`);
