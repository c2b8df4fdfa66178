// SPDX-License-Identifier: Apache-2.0
// What several tests use.

/** Text as octets; characters up to U+00FF in UTF-8 as all others, but `\xff` alone, which no UTF-8 has, as it is. */
export function octets(text) {
  return new Uint8Array(text.split("\xff").flatMap((piece, at) => [...(at > 0 ? [0xff] : []), ...Buffer.from(piece, "utf8")]));
}

export const text = (octets) => Buffer.from(octets).toString("utf8");

/** The same without prototypes, to compare. */
export function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

/** The same numbers each time (mulberry32). */
export function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
