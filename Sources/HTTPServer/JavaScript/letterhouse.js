// SPDX-License-Identifier: Apache-2.0

/**
 * A mail client in one module, for browsers and node: IMAP and SMTP through Letterhouse's HTTP bridge.
 *
 * From the bottom up: octets, the framer that cuts them into responses, the parser that makes values of responses,
 * commands, transports (polling and WebSocket), one IMAP connection, the client that keeps one open, SMTP, messages.
 * Programs use {@link MailClient}; the layers under it are exported for those who need less.
 *
 * What comes from the server is not trusted: reading takes linear time and bounded memory, and what is not understood is
 * kept as it is. What a program puts into commands and messages cannot become other commands or header fields.
 *
 * @module letterhouse
 */

// MARK: Errors

/** What everything here throws, apart from `TypeError` for wrong arguments and an `AbortSignal`'s own reason. */
export class MailError extends Error {
  constructor(message, more = {}) {
    super(message);
    this.name = new.target.name;
    Object.assign(this, more);
  }
}

/**
 * The connection is gone. `mayHaveHappened` says whether the server may have done what was asked; where it is false,
 * nothing has happened and asking again is safe.
 */
export class ConnectionLostError extends MailError {
  constructor(message, { mayHaveHappened = false, ...more } = {}) { super(message, { mayHaveHappened, ...more }); }
}

/** The bridge refused a request: `status` of HTTP, and its word for programs as `reason`. */
export class BridgeRefusal extends MailError {}

/** The server answered a command with `status` NO or BAD; `code` is its response code, `text` is for people. */
export class CommandError extends MailError {}

/** The server does not know such a user, or not with this password. */
export class AuthenticationError extends CommandError {}

/** More was answered than `maxResponse` allows. */
export class ResponseTooLargeError extends MailError {}

/** What the server sent is no IMAP. */
export class ProtocolError extends MailError {}

/** The SMTP server refused: `code`, `enhancedCode`, `text`, the `command` that it refused, and all `replies`. */
export class SMTPError extends MailError {}

// MARK: Octets

const encoder = new TextEncoder();
const strictUTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const EMPTY = new Uint8Array(0);
// Node 18 has it, but not under this name.
const webCrypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;

/** Octets as text: UTF-8, or what else they may be. */
function textOf(octets) {
  try {
    return strictUTF8.decode(octets);
  } catch {
    return new TextDecoder("windows-1252").decode(octets);
  }
}

/** @param {Uint8Array[]} parts */
function concatenate(parts) {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Octets that come bit by bit, in linear time. */
class Gathering {
  #octets = new Uint8Array(256);
  length = 0;

  append(octets) {
    if (this.length + octets.length > this.#octets.length) {
      const larger = new Uint8Array(Math.max(2 * this.#octets.length, this.length + octets.length));
      larger.set(this.#octets.subarray(0, this.length));
      this.#octets = larger;
    }
    this.#octets.set(octets, this.length);
    this.length += octets.length;
  }

  /** What was gathered; begins anew. */
  take() {
    const octets = this.#octets.slice(0, this.length);
    if (this.#octets.length > 65536) this.#octets = new Uint8Array(256);
    this.length = 0;
    return octets;
  }
}

/** @param {Uint8Array} octets */
export function encodeBase64(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += 0x6000) {
    text += btoa(String.fromCharCode(...octets.subarray(at, at + 0x6000)));
  }
  return text;
}

/** Octets of base64; what is not of its alphabet, line ends for example, is passed over (RFC 2045 §6.8). */
export function decodeBase64(text) {
  const letters = text.replace(/[^A-Za-z0-9+/]+/g, "");
  const whole = letters.length % 4 === 1 ? letters.slice(0, -1) : letters;
  const octets = new Uint8Array(Math.floor((whole.length * 3) / 4));
  let to = 0;
  for (let at = 0; at < whole.length; at += 0x8000) {
    for (const letter of atob(whole.slice(at, at + 0x8000))) octets[to++] = letter.charCodeAt(0);
  }
  return octets;
}

// MARK: Framer

/**
 * Cuts what the server sends into responses: lines with their literals (RFC 9051 §4.3).
 *
 * A frame has `segments`, text and literals in turn, `size`, and `isTooLarge` if the rest of it was passed over.
 */
export class ResponseFramer {
  #limit;
  #gathering = new Gathering();
  #segments = [];
  #size = 0;
  #literal = 0;
  #isInLiteral = false;
  #isTooLarge = false;
  /** Whether it is text for people, as far as its first line has come. */
  #isText = null;
  /** The end of a line that is too long to be kept: there may be a literal behind it. */
  #tail = EMPTY;

  /** @param {number} limit the most octets of a response that are kept */
  constructor(limit = 64 << 20) { this.#limit = limit; }

  /** Takes octets, in any pieces, and returns the frames that are complete with them. */
  push(octets) {
    const frames = [];
    let at = 0;
    while (at < octets.length) {
      if (this.#isInLiteral) {
        const end = Math.min(octets.length, at + this.#literal);
        this.#keep(octets.subarray(at, end));
        this.#literal -= end - at;
        at = end;
        if (this.#literal === 0) this.#endLiteral();
      } else {
        const newline = octets.indexOf(10, at);
        const end = newline < 0 ? octets.length : newline + 1;
        this.#keep(octets.subarray(at, end));
        at = end;
        if (newline >= 0 && !this.#beginsLiteral()) frames.push(this.#endResponse());
      }
    }
    return frames;
  }

  #keep(octets) {
    this.#size += octets.length;
    if (this.#size > this.#limit && !this.#isTooLarge) {
      this.#isTooLarge = true;
      const kept = this.#gathering.take();
      // Whose it is stands at its beginning.
      if (this.#segments.length === 0) this.#segments.push(textOf(concatenate([kept, octets.subarray(0, 256)]).subarray(0, 256)));
      this.#tail = this.#isInLiteral ? EMPTY : kept.slice(-32);
    }
    if (!this.#isTooLarge) return this.#gathering.append(octets);
    if (!this.#isInLiteral) this.#tail = concatenate([this.#tail, octets.subarray(-32)]).slice(-32);
  }

  /** At the end of a line: whether a literal follows. */
  #beginsLiteral() {
    const line = (this.#isTooLarge ? textOf(this.#tail) : textOf(this.#gathering.take())).replace(/\r?\n$/, "");
    this.#tail = EMPTY;
    // Text for people may end like this, too.
    this.#isText ??= /^(?:\+|\S+ (?:OK|NO|BAD|BYE|PREAUTH)(?: |$))/i.test(this.#segments[0] ?? line);
    const end = this.#isText ? null : /~?\{(\d+)\+?\}$/.exec(line.slice(-32));
    if (!end) {
      if (!this.#isTooLarge) this.#segments.push(line);
      return false;
    }
    this.#literal = Number(end[1]);
    if (!Number.isSafeInteger(this.#literal)) throw new ProtocolError("a literal of impossible size");
    if (!this.#isTooLarge) this.#segments.push(line.slice(0, -end[0].length));
    this.#isInLiteral = true;
    if (this.#literal === 0) this.#endLiteral();
    return true;
  }

  #endLiteral() {
    this.#isInLiteral = false;
    if (!this.#isTooLarge) this.#segments.push(this.#gathering.take());
  }

  #endResponse() {
    const frame = { segments: this.#segments, size: this.#size, isTooLarge: this.#isTooLarge };
    this.#segments = [];
    this.#size = 0;
    this.#isTooLarge = false;
    this.#isText = null;
    return frame;
  }
}

// MARK: Values

/** Deeper nesting than any mail has. */
const MAX_DEPTH = 200;

/**
 * What stands in a response, as values: strings for atoms and quoted strings, octets for literals, null for NIL, arrays
 * for lists. `BODY[HEADER.FIELDS (TO)]<0>` is one string.
 *
 * @param {Array<string | Uint8Array>} segments
 */
export function readValues(segments) {
  const all = [];
  const outer = [];
  let list = all;
  for (const segment of segments) {
    if (typeof segment !== "string") {
      list.push(segment);
      continue;
    }
    const lastBracket = segment.lastIndexOf("]");
    let at = 0;
    while (at < segment.length) {
      const character = segment[at];
      if (character === " ") {
        at += 1;
      } else if (character === "(") {
        if (outer.length === MAX_DEPTH) throw new ProtocolError("too deeply nested");
        const inner = [];
        list.push(inner);
        outer.push(list);
        list = inner;
        at += 1;
      } else if (character === ")") {
        if (outer.length === 0) throw new ProtocolError("a parenthesis too many");
        list = outer.pop();
        at += 1;
      } else if (character === '"') {
        const [text, end] = readQuoted(segment, at + 1);
        list.push(text);
        at = end;
      } else {
        const end = endOfAtom(segment, at, lastBracket);
        const atom = segment.slice(at, end);
        list.push(atom.length === 3 && atom.toUpperCase() === "NIL" ? null : atom);
        at = end;
      }
    }
  }
  if (outer.length > 0) throw new ProtocolError("a parenthesis is missing");
  return all;
}

/** @returns {[string, number]} the text behind a quotation mark, and where it ends */
function readQuoted(line, start) {
  const pieces = [];
  let from = start;
  for (let at = start; at < line.length; at += 1) {
    if (line[at] === '"') {
      pieces.push(line.slice(from, at));
      return [pieces.join(""), at + 1];
    }
    if (line[at] === "\\") {
      pieces.push(line.slice(from, at));
      at += 1;
      from = at;
    }
  }
  throw new ProtocolError("a quotation mark is missing");
}

function endOfAtom(line, start, lastBracket) {
  let at = start;
  while (at < line.length) {
    const character = line[at];
    if (character === " " || character === "(" || character === ")" || character === '"') break;
    if (character === "[" && at < lastBracket && /^(?:BODY|BINARY|BINARY\.SIZE)$/i.test(line.slice(start, Math.min(at, start + 12)))) {
      at = line.indexOf("]", at);
    }
    at += 1;
  }
  return at;
}

const asText = (value) => (value instanceof Uint8Array ? textOf(value) : typeof value === "string" ? value : null);
const asList = (value) => (Array.isArray(value) ? value : []);
const asTexts = (value) => asList(value).map(asText).filter((text) => text !== null);

/** A number that the server counts with; null where it is none. */
function asNumber(value) {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** Mod-sequences have 63 bits (RFC 7162 §3.1). */
function asBigInt(value) {
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : null;
}

/** An object without inherited properties, so that names from outside cannot be taken for them. */
function pairs(values, key = (text) => text, convert = (value) => value) {
  const object = Object.create(null);
  const list = asList(values);
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = asText(list[at]);
    if (name !== null) object[key(name)] = convert(list[at + 1]);
  }
  return object;
}

const upper = (text) => text.toUpperCase();
const lower = (text) => text.toLowerCase();

// MARK: Sets of numbers

/**
 * `1:3,7` as ranges in ascending order; a set may stand for more numbers than memory can hold. `*` is Infinity.
 *
 * @param {string} text
 * @returns {Array<[number, number]>}
 */
export function parseSet(text) {
  const ranges = [];
  for (const piece of text.split(",")) {
    const match = /^(\d{1,10}|\*)(?::(\d{1,10}|\*))?$/.exec(piece);
    if (!match) throw new ProtocolError("no set of numbers");
    const [first, last] = [match[1], match[2] ?? match[1]].map((end) => (end === "*" ? Infinity : Number(end)));
    ranges.push(first <= last ? [first, last] : [last, first]);
  }
  ranges.sort((one, other) => one[0] - other[0]);
  const merged = [];
  for (const range of ranges) {
    const before = merged[merged.length - 1];
    if (before && range[0] <= before[1] + 1) before[1] = Math.max(before[1], range[1]);
    else merged.push(range);
  }
  return merged;
}

/**
 * A number, numbers, or a set that is written already, as a set.
 *
 * @param {number | Iterable<number> | string} numbers
 */
export function formatSet(numbers) {
  if (typeof numbers === "string") {
    if (numbers !== "$") parseSet(numbers);
    return numbers;
  }
  const all = typeof numbers === "number" ? [numbers] : [...new Set(numbers)].sort((one, other) => one - other);
  if (all.length === 0) throw new TypeError("an empty set");
  const pieces = [];
  let first = 0;
  all.forEach((number, at) => {
    if (!Number.isInteger(number) || number < 1 || number > 0xffffffff) throw new TypeError("no message has such a number");
    if (all[at + 1] === number + 1) return;
    pieces.push(first === at ? `${number}` : `${all[first]}:${number}`);
    first = at + 1;
  });
  return pieces.join(",");
}

/** Whether a number is in ranges. */
function isIn(ranges, number) {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] < number) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low][0] <= number;
}

/** How many numbers are in ranges. */
const countOf = (ranges) => ranges.reduce((count, [first, last]) => count + last - first + 1, 0);

function* numbersOf(ranges) {
  for (const [first, last] of ranges) for (let number = first; number <= last; number += 1) yield number;
}

// MARK: Parser

/**
 * @typedef {object} Response
 * @property {"tagged" | "untagged" | "continuation" | "unknown"} kind
 * @property {string} [tag] of a tagged one
 * @property {string} name `OK`, `FETCH`, `EXISTS` …, in capitals
 * @property {number} [number] what stands before the name
 * @property {{name: string, values: Array}} [code] of `[CODE …]`
 * @property {string} [text] for people
 * @property {Array} [values] what stands behind the name, if it has no properties of its own here
 */

/**
 * Makes values of a response. What is not understood is returned as it came, with kind "unknown" or as `values`.
 *
 * @param {{segments: Array<string | Uint8Array>}} frame
 * @returns {Response}
 */
export function parseResponse({ segments, isTooLarge = false }) {
  const line = typeof segments[0] === "string" ? segments[0] : "";
  if (line.startsWith("+")) return { kind: "continuation", name: "+", text: line.slice(2) };
  const status = /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: |$)/i.exec(line);
  if (status) {
    const tagged = status[1] === "*" ? { kind: "untagged" } : { kind: "tagged", tag: status[1] };
    return { ...tagged, name: upper(status[2]), ...parseText(line.slice(status[0].length)) };
  }
  const start = /^\* (?:(\d{1,10}) )?([^\s()"]+) ?/.exec(line);
  if (!start) return { kind: "unknown", name: "", segments };
  const response = { kind: "untagged", name: upper(start[2]) };
  if (start[1] !== undefined) response.number = Number(start[1]);
  if (isTooLarge) return { ...response, isTooLarge };
  try {
    const values = readValues([line.slice(start[0].length), ...segments.slice(1)]);
    return Object.assign(response, shapes.get(response.name)?.(values) ?? { values });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { kind: "unknown", name: response.name, segments };
  }
}

/** `[CODE values] text` (RFC 9051 §7.1). */
function parseText(text) {
  if (!text.startsWith("[")) return { code: null, text };
  let isQuoted = false;
  let end = 1;
  for (; end < text.length; end += 1) {
    if (isQuoted && text[end] === "\\") end += 1;
    else if (text[end] === '"') isQuoted = !isQuoted;
    else if (text[end] === "]" && !isQuoted) break;
  }
  if (end >= text.length) return { code: null, text };
  const inside = /^(\S*) ?(.*)$/s.exec(text.slice(1, end));
  let values;
  try {
    values = readValues([inside[2]]);
  } catch {
    values = [inside[2]];
  }
  return { code: { name: upper(inside[1]), values }, text: text.slice(end + 1).trimStart() };
}

const mailboxName = (value) => (value === null ? "NIL" : asText(value) ?? "");

/** What is in each response, by its name; all others have `values`. */
const shapes = new Map([
  ["CAPABILITY", (values) => ({ capabilities: asTexts(values) })],
  ["ENABLED", (values) => ({ capabilities: asTexts(values) })],
  ["FLAGS", ([flags]) => ({ flags: asTexts(flags) })],
  ["EXISTS", () => ({})],
  ["EXPUNGE", () => ({})],
  ["RECENT", () => ({})],
  ["FETCH", ([items]) => fetchItems(asList(items))],
  ["LIST", listEntry],
  ["LSUB", listEntry],
  ["STATUS", ([mailbox, items]) => ({ mailbox: mailboxName(mailbox), items: pairs(items, upper, statusValue) })],
  ["SEARCH", numberList],
  ["SORT", numberList],
  ["ESEARCH", extendedSearch],
  ["NAMESPACE", ([personal, other, shared]) => ({ personal: namespaces(personal), other: namespaces(other), shared: namespaces(shared) })],
  ["VANISHED", (values) => ({ isEarlier: Array.isArray(values[0]), uids: parseSet(asText(values[values.length - 1]) ?? "") })],
  ["QUOTA", ([root, resources]) => ({ root: asText(root) ?? "", resources: quotaResources(asList(resources)) })],
  ["QUOTAROOT", ([mailbox, ...roots]) => ({ mailbox: mailboxName(mailbox), roots: asTexts(roots) })],
  ["ID", ([fields]) => ({ fields: pairs(fields, lower, asText) })],
  ["ACL", ([mailbox, ...rights]) => ({ mailbox: mailboxName(mailbox), rights: pairs(rights, undefined, asText) })],
  ["MYRIGHTS", ([mailbox, rights]) => ({ mailbox: mailboxName(mailbox), rights: asText(rights) ?? "" })],
  ["METADATA", metadata],
]);

function listEntry([flags, delimiter, mailbox, extended]) {
  return {
    flags: asTexts(flags), delimiter: asText(delimiter), mailbox: mailboxName(mailbox), extended: pairs(extended, upper),
  };
}

const statusValue = (value) => asNumber(value) ?? asBigInt(value) ?? (Array.isArray(value) ? asText(value[0]) : value);

function numberList(values) {
  const last = values[values.length - 1];
  return { numbers: values.map(asNumber).filter((number) => number !== null), modSeq: Array.isArray(last) ? asBigInt(last[1]) : null };
}

/** RFC 4731 and RFC 7377: `(TAG "A1" MAILBOX x) UID ALL 1:3 COUNT 3`. */
function extendedSearch(values) {
  let rest = values;
  let correlator = Object.create(null);
  if (Array.isArray(rest[0])) {
    correlator = pairs(rest[0], upper, asText);
    rest = rest.slice(1);
  }
  const isUID = typeof rest[0] === "string" && upper(rest[0]) === "UID";
  const found = pairs(isUID ? rest.slice(1) : rest, upper);
  return {
    tag: correlator.TAG ?? null, mailbox: correlator.MAILBOX ?? null, isUID,
    all: found.ALL === undefined ? null : parseSet(asText(found.ALL) ?? ""),
    min: asNumber(found.MIN), max: asNumber(found.MAX), count: asNumber(found.COUNT), modSeq: asBigInt(found.MODSEQ), found,
  };
}

const namespaces = (value) => asList(value).map((entry) => ({ prefix: asText(asList(entry)[0]) ?? "", delimiter: asText(asList(entry)[1]) }));

function quotaResources(values) {
  const resources = [];
  for (let at = 0; at + 2 < values.length; at += 3) {
    resources.push({ name: upper(asText(values[at]) ?? ""), usage: asNumber(values[at + 1]), limit: asNumber(values[at + 2]) });
  }
  return resources;
}

/** RFC 5464 §4.4: with values, or names of what has changed. */
function metadata([mailbox, ...rest]) {
  if (Array.isArray(rest[0])) return { mailbox: mailboxName(mailbox), entries: pairs(rest[0], lower, asText) };
  return { mailbox: mailboxName(mailbox), changed: asTexts(rest) };
}

// MARK: FETCH

/**
 * @typedef {object} FetchedMessage what was asked for, and not more
 * @property {number} [uid]
 * @property {string[]} [flags]
 * @property {Date | null} [internalDate]
 * @property {number} [size] RFC822.SIZE
 * @property {bigint} [modSeq]
 * @property {Envelope} [envelope]
 * @property {Part} [bodyStructure]
 * @property {Object<string, Uint8Array | null>} sections by what was asked for, in capitals: `sections["BODY[1.MIME]"]`
 * @property {Object<string, *>} items everything, as it came
 */
function fetchItems(values) {
  const items = pairs(values, upper);
  const message = { items, sections: Object.create(null) };
  for (const name in items) {
    const value = items[name];
    if (/^(?:BODY|BINARY)\[/.test(name)) {
      message.sections[name] = typeof value === "string" ? encoder.encode(value) : value instanceof Uint8Array ? value : null;
    }
  }
  if ("UID" in items) message.uid = asNumber(items.UID);
  if ("FLAGS" in items) message.flags = asTexts(items.FLAGS);
  if ("RFC822.SIZE" in items) message.size = asNumber(items["RFC822.SIZE"]);
  if ("MODSEQ" in items) message.modSeq = asBigInt(asList(items.MODSEQ)[0]);
  if ("INTERNALDATE" in items) message.internalDate = parseDate(asText(items.INTERNALDATE) ?? "");
  if ("SAVEDATE" in items) message.saveDate = parseDate(asText(items.SAVEDATE) ?? "");
  if ("EMAILID" in items) message.emailID = asText(asList(items.EMAILID)[0]);
  if ("THREADID" in items) message.threadID = asText(asList(items.THREADID)[0]);
  if ("PREVIEW" in items) message.preview = asText(items.PREVIEW);
  if ("ENVELOPE" in items) message.envelope = envelope(asList(items.ENVELOPE));
  const structure = items.BODYSTRUCTURE ?? items.BODY;
  if (Array.isArray(structure)) message.bodyStructure = bodyStructure(structure);
  return message;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `17-Jul-1996 02:44:25 -0700` */
function parseDate(text) {
  const match = /^ ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  const month = match ? MONTHS.findIndex((name) => lower(name) === lower(match[2])) : -1;
  if (month < 0) return null;
  const zone = (match[7] === "-" ? -1 : 1) * (60 * Number(match[8]) + Number(match[9]));
  return new Date(Date.UTC(Number(match[3]), month, Number(match[1]), Number(match[4]), Number(match[5]) - zone, Number(match[6])));
}

/**
 * @typedef {object} Address
 * @property {string | null} name decoded
 * @property {string} address `ann@example.org`
 * @typedef {object} Envelope RFC 9051 §7.5.2; subject and names are decoded (RFC 2047)
 * @property {string | null} date as the message has it
 * @property {string | null} subject
 * @property {Address[]} from
 * @property {Address[]} sender
 * @property {Address[]} replyTo
 * @property {Address[]} to
 * @property {Address[]} cc
 * @property {Address[]} bcc
 * @property {string | null} inReplyTo
 * @property {string | null} messageID
 */
function envelope(values) {
  const decoded = (value) => (asText(value) === null ? null : decodeWords(asText(value)));
  const [date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageID] = values;
  return {
    date: asText(date), subject: decoded(subject), from: addresses(from), sender: addresses(sender), replyTo: addresses(replyTo),
    to: addresses(to), cc: addresses(cc), bcc: addresses(bcc), inReplyTo: asText(inReplyTo), messageID: asText(messageID),
  };
}

/** The addresses of a list; members of a group have its name as `group`. */
function addresses(value) {
  const found = [];
  let group = null;
  for (const entry of asList(value)) {
    const [name, , mailbox, host] = asList(entry).map(asText);
    if (host === null || host === undefined) {
      group = mailbox ?? null;
    } else {
      const address = { name: name == null ? null : decodeWords(name), address: `${mailbox ?? ""}@${host}` };
      found.push(group === null ? address : { ...address, group });
    }
  }
  return found;
}

/**
 * @typedef {object} Part a part of a message; RFC 9051 §7.5.2
 * @property {string} section how to fetch it: `1.2`; empty for the message itself if it has parts
 * @property {string} type `text/plain`, in small letters
 * @property {Object<string, string>} parameters
 * @property {string | null} disposition `attachment`, `inline`
 * @property {string | null} fileName decoded (RFC 2231, RFC 2047)
 * @property {Part[]} parts of a multipart, or of the message that this part is
 * @property {string} [encoding] of its octets, in small letters
 * @property {number | null} [size] of its octets as they are encoded
 */
function bodyStructure(values, path = []) {
  if (Array.isArray(values[0])) {
    const subtype = values.findIndex((value) => !Array.isArray(value));
    const parts = subtype < 0 ? values : values.slice(0, subtype);
    const [name, parameters, disposition] = subtype < 0 ? [] : values.slice(subtype);
    return part(path, `multipart/${lower(asText(name) ?? "mixed")}`, parameters, disposition, {
      parts: parts.map((value, index) => bodyStructure(asList(value), [...path, index + 1])),
    });
  }
  const own = path.length === 0 ? [1] : path;
  const [type, subtype, parameters, id, description, encoding, size] = values;
  const name = lower(`${asText(type) ?? "application"}/${asText(subtype) ?? "octet-stream"}`);
  const more = { id: asText(id), description: asText(description), encoding: lower(asText(encoding) ?? "7bit"), size: asNumber(size) };
  let extension = 7;
  if (name === "message/rfc822" || name === "message/global") {
    more.envelope = envelope(asList(values[7]));
    const inner = asList(values[8]);
    // The parts of a message within another are numbered below it; one that has no parts is .1 (RFC 9051 §6.4.5.1).
    more.parts = [bodyStructure(inner, Array.isArray(inner[0]) ? own : [...own, 1])];
    extension = 10;
  } else if (name.startsWith("text/")) {
    extension = 8;
  }
  return part(own, name, parameters, values[extension + 1], more);
}

function part(path, type, parameters, disposition, more) {
  const own = pairs(parameters, lower, (value) => asText(value) ?? "");
  const [kind, details] = asList(disposition);
  const ofDisposition = pairs(details, lower, (value) => asText(value) ?? "");
  return {
    section: path.join("."), type, parameters: own, disposition: asText(kind) === null ? null : lower(asText(kind)),
    fileName: parameter(ofDisposition, "filename") ?? parameter(own, "name"), parts: [], ...more,
  };
}

/** All parts within a part, and itself first. */
export function* partsOf(part) {
  const waiting = [part];
  while (waiting.length > 0) {
    const next = waiting.pop();
    yield next;
    for (let at = next.parts.length - 1; at >= 0; at -= 1) waiting.push(next.parts[at]);
  }
}

/**
 * The part that has what the author wrote: plain text if there is some, or HTML.
 *
 * @param {Part} structure
 * @returns {Part | null}
 */
export function textPart(structure) {
  const texts = [...partsOf(structure)].filter((part) => part.disposition !== "attachment" && part.type.startsWith("text/"));
  return texts.find((part) => part.type === "text/plain") ?? texts.find((part) => part.type === "text/html") ?? texts[0] ?? null;
}

// MARK: Reading messages

/** Octets as text of a character set; of what there is if nobody knows that one. */
export function decodeText(octets, charset) {
  const label = lower(charset ?? "");
  // What is called ASCII, or nothing, is UTF-8 nowadays.
  if (label === "" || label === "us-ascii" || label === "utf-8") return textOf(octets);
  try {
    return new TextDecoder(label).decode(octets);
  } catch {
    return textOf(octets);
  }
}

/** Quoted-printable (RFC 2045 §6.7), as lenient as it asks for. */
export function decodeQuotedPrintable(octets) {
  const decoded = new Uint8Array(octets.length);
  let length = 0;
  let at = 0;
  while (at < octets.length) {
    if (octets[at] !== 0x3d) {
      decoded[length++] = octets[at++];
      continue;
    }
    const [high, low] = [hexadecimal(octets[at + 1]), hexadecimal(octets[at + 2])];
    if (high >= 0 && low >= 0) {
      decoded[length++] = 16 * high + low;
      at += 3;
    } else if (octets[at + 1] === 0x0d && octets[at + 2] === 0x0a) {
      at += 3;
    } else if (octets[at + 1] === 0x0a) {
      at += 2;
    } else {
      decoded[length++] = octets[at++];
    }
  }
  return decoded.slice(0, length);
}

function hexadecimal(octet) {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet & 0xdf;
  return letter >= 0x41 && letter <= 0x46 ? letter - 55 : -1;
}

/** Octets of a part, as they were before they were encoded for the way (RFC 2045 §6). */
export function decodeTransfer(octets, encoding) {
  if (encoding === "base64") return decodeBase64(textOf(octets));
  return encoding === "quoted-printable" ? decodeQuotedPrintable(octets) : octets;
}

/** Text of a header field with its encoded words decoded (RFC 2047). */
export function decodeWords(text) {
  const word = /=\?([^?\s]{1,75})\?([bq])\?([^?\s]*)\?=/gi;
  const pieces = [];
  let [end, last] = [0, null];
  for (let match; (match = word.exec(text)); end = word.lastIndex) {
    const between = text.slice(end, match.index);
    const octets = lower(match[2]) === "b"
      ? decodeBase64(match[3])
      : decodeQuotedPrintable(encoder.encode(match[3].replaceAll("_", " ")));
    // RFC 2231 §5 puts a language behind the character set.
    const charset = lower(match[1].split("*")[0]);
    // White space between two is none; a character may begin in one and end in the next.
    const isNext = last !== null && /^\s*$/.test(between);
    if (!isNext) pieces.push(between);
    if (isNext && last.charset === charset) {
      last.parts.push(octets);
    } else {
      last = { charset, parts: [octets] };
      pieces.push(last);
    }
  }
  pieces.push(text.slice(end));
  return pieces.map((piece) => (typeof piece === "string" ? piece : decodeText(concatenate(piece.parts), piece.charset))).join("");
}

/** A parameter that may be encoded or in pieces (RFC 2231 §3, §4), or, as many write it, in encoded words. */
function parameter(parameters, name) {
  if (`${name}*` in parameters) return decodeExtended(parameters[`${name}*`]);
  if (name in parameters) return decodeWords(parameters[name]);
  const octets = [];
  let charset = null;
  for (let at = 0; ; at += 1) {
    const encoded = parameters[`${name}*${at}*`];
    const piece = encoded ?? parameters[`${name}*${at}`];
    if (piece === undefined) break;
    const prefix = at === 0 && encoded !== undefined ? /^([^']*)'[^']*'/.exec(piece) : null;
    if (prefix) charset = prefix[1];
    const rest = piece.slice(prefix?.[0].length ?? 0);
    octets.push(encoded === undefined ? encoder.encode(rest) : percentDecoded(rest));
  }
  return octets.length === 0 ? null : decodeText(concatenate(octets), charset);
}

function decodeExtended(text) {
  const match = /^([^']*)'[^']*'(.*)$/s.exec(text);
  return match ? decodeText(percentDecoded(match[2]), match[1]) : text;
}

const percentDecoded = (text) =>
  decodeQuotedPrintable(encoder.encode(text.replaceAll("=", "%3D").replaceAll("%", "=")));

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

const decodeEntities = (text) => text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi, (all, decimal, hex, name) => {
  if (name) return ENTITIES[lower(name)];
  const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
});

/** What HTML says, without anything that it does: for reading only, as text. */
export function textOfHTML(html) {
  const pieces = [];
  const put = (from, to) => pieces.push(decodeEntities(html.slice(from, to).replace(/\s+/g, " ")));
  let at = 0;
  for (let start; at < html.length && (start = html.indexOf("<", at)) >= 0; ) {
    const tag = /^<(?:!--|[!?]|\/?([a-z][a-z0-9]{0,15}))/i.exec(html.slice(start, start + 20));
    put(at, tag ? start : start + 1);
    at = tag ? endOfTag(html, start, tag[0], lower(tag[1] ?? "")) : start + 1;
    if (tag && /^(?:br|p|div|tr|li|ul|ol|table|blockquote|pre|hr|h[1-6])$/i.test(tag[1] ?? "")) pieces.push("\n");
  }
  put(at);
  return pieces.join("").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}

/** Behind a tag, or behind what nobody is to read; the end, if that does not end. */
function endOfTag(html, start, opening, name) {
  const behind = (found, length) => (found < 0 ? html.length : found + length);
  if (opening === "<!--") return behind(html.indexOf("-->", start + 4), 3);
  if (/^(?:script|style|title)$/.test(name) && opening[1] !== "/") {
    const closing = new RegExp(`</${name}`, "gi");
    closing.lastIndex = start;
    return closing.exec(html)?.index ?? html.length;
  }
  // A > in quotation marks ends nothing.
  for (let at = start + opening.length; at < html.length; at += 1) {
    if (html[at] === ">") return at + 1;
    if (html[at] === '"' || html[at] === "'") at = behind(html.indexOf(html[at], at + 1), 0);
  }
  return html.length;
}

// MARK: Writing messages

/** White space and control characters as a blank: whatever comes from elsewhere, a header field stays one. */
const oneLine = (text) => text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();

const isPlain = (text) => /^[\x20-\x7e]*$/.test(text);

/** Text as encoded words, each short enough and of whole characters (RFC 2047 §2, §5). */
function encodeWords(text) {
  const words = [];
  let [piece, size] = ["", 0];
  for (const character of text) {
    const length = encoder.encode(character).length;
    if (size + length > 42) {
      words.push(piece);
      [piece, size] = ["", 0];
    }
    piece += character;
    size += length;
  }
  words.push(piece);
  return words.map((word) => `=?utf-8?B?${encodeBase64(encoder.encode(word))}?=`).join("\r\n ");
}

/** Unstructured text for a header field. */
function encodeField(text) {
  const line = oneLine(text);
  return isPlain(line) && line.length <= 60 && !line.includes("=?") ? line : encodeWords(line);
}

/**
 * An address, alone (`ann@example.org`) or with a name (`Ann <ann@example.org>`).
 *
 * @param {string | Address} value
 * @returns {Address}
 */
export function parseAddress(value) {
  let { name = null, address } = Object(value);
  if (typeof value === "string") {
    address = value.trim();
    const start = address.lastIndexOf("<");
    if (start >= 0 && address.endsWith(">")) {
      name = address.slice(0, start).trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/gs, "$1") || null;
      address = address.slice(start + 1, -1).trim();
    }
  }
  if (typeof address !== "string" || !/^[^\s\u0000-\u0020\u007f-\u009f<>"(),:;\\@[\]]+@[^\s\u0000-\u0020\u007f-\u009f<>"(),:;\\@]+$/.test(address)) {
    throw new TypeError("not a mail address");
  }
  return { name, address };
}

function encodeAddress(value) {
  const { name, address } = parseAddress(value);
  const shown = oneLine(name ?? "");
  if (shown === "") return address;
  if (!isPlain(shown) || shown.includes("=?") || shown.length > 200) return `${encodeWords(shown)} <${address}>`;
  return /^[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+$/.test(shown)
    ? `${shown} <${address}>`
    : `"${shown.replace(/(["\\])/g, "\\$1")}" <${address}>`;
}

const listOf = (value) => (value == null ? [] : Array.isArray(value) ? value : [value]);

/** The message identifications in a text (RFC 5322 §3.6.4). */
const messageIDs = (text) => (text ?? "").match(/<[^<>\s\u0000-\u001f\u007f-\uffff]{1,900}>/g) ?? [];

/** A parameter of a MIME field; encoded if it must be (RFC 2231 §4). */
function encodeParameter(name, value) {
  const line = oneLine(value);
  if (isPlain(line) && line.length <= 60) return `${name}="${line.replace(/(["\\])/g, "\\$1")}"`;
  const encoded = encodeURIComponent(textOf(encoder.encode(line))).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const pieces = `utf-8''${encoded}`.match(/(?:%[0-9A-F]{2}|[^%]){1,20}/g);
  if (pieces.length === 1) return `${name}*=${pieces[0]}`;
  return pieces.map((piece, at) => `${name}*${at}*=${piece}`).join(";\r\n ");
}

/** Quoted-printable text of lines of at most 76 characters (RFC 2045 §6.7). */
function encodeQuotedPrintable(text) {
  return text.split("\r\n").map((line) => {
    const octets = encoder.encode(line);
    const pieces = [];
    let piece = "";
    octets.forEach((octet, at) => {
      const isLast = at === octets.length - 1;
      const isSafe = (octet >= 0x21 && octet <= 0x7e && octet !== 0x3d) || ((octet === 0x20 || octet === 0x09) && !isLast);
      const next = isSafe ? String.fromCharCode(octet) : `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
      if (piece.length + next.length > 75) {
        pieces.push(piece);
        piece = "";
      }
      piece += next;
    });
    return [...pieces, piece].join("=\r\n");
  }).join("\r\n");
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const two = (number) => `${number}`.padStart(2, "0");

/** `Thu, 17 Jul 1996 09:44:25 +0000` (RFC 5322 §3.3) */
function formatDate(date) {
  return `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} `
    + `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

/** 128 bits that nobody else has. */
function uniqueText() {
  return [...webCrypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

/**
 * Writes a message (RFC 5322, MIME). Nothing in it can become another header field: control characters in subject, names
 * and file names become blanks, addresses and types with some are refused with TypeError.
 *
 * @param {object} message
 * @param {string | Address} message.from
 * @param {string | Address | Array<string | Address>} [message.to]
 * @param {string | Address | Array<string | Address>} [message.cc]
 * @param {string} [message.subject]
 * @param {string} [message.text]
 * @param {string} [message.inReplyTo] the Message-ID of what is replied to
 * @param {string} [message.references] Message-IDs of the conversation
 * @param {Array<{name: string, type?: string, content: Uint8Array}>} [message.attachments]
 * @param {Date} [message.date]
 * @param {string} [message.unique] what makes Message-ID and boundary unique
 * @returns {Uint8Array}
 */
export function composeMessage({
  from, to, cc, subject = "", text = "", inReplyTo, references, attachments = [], date = new Date(), unique = uniqueText(),
}) {
  const list = (value) => listOf(value).map(encodeAddress).join(",\r\n ");
  const sender = parseAddress(from).address;
  const fields = [`From: ${encodeAddress(from)}`];
  if (listOf(to).length > 0) fields.push(`To: ${list(to)}`);
  if (listOf(cc).length > 0) fields.push(`Cc: ${list(cc)}`);
  fields.push(`Subject: ${encodeField(subject)}`, `Date: ${formatDate(date)}`);
  fields.push(`Message-ID: <${unique}@${sender.slice(sender.lastIndexOf("@") + 1)}>`);
  const [parent] = messageIDs(inReplyTo);
  if (parent) fields.push(`In-Reply-To: ${parent}`);
  // The first one and the latest; there are conversations of years.
  const thread = [...new Set([...messageIDs(references), ...(parent ? [parent] : [])])];
  const kept = thread.length > 20 ? [thread[0], ...thread.slice(-19)] : thread;
  if (kept.length > 0) fields.push(`References: ${kept.join("\r\n ")}`);
  fields.push("MIME-Version: 1.0");
  const head = fields.join("\r\n");
  const body = textEntity(text);
  if (attachments.length === 0) return encoder.encode(`${head}\r\n${body}`);
  const boundary = `=_${unique}`;
  const parts = [body, ...attachments.map(attachmentEntity)].map((part) => `--${boundary}\r\n${part}\r\n`);
  return encoder.encode(`${head}\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n${parts.join("")}--${boundary}--\r\n`);
}

function textEntity(text) {
  const lines = text.replace(/\r\n|\r|\n/g, "\r\n");
  const body = lines.endsWith("\r\n") ? lines : `${lines}\r\n`;
  const isSimple = /^[\t\r\n\x20-\x7e]*$/.test(body) && !/[^\r\n]{77}/.test(body);
  const encoding = isSimple ? "7bit" : "quoted-printable";
  return `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${isSimple ? body : encodeQuotedPrintable(body)}`;
}

function attachmentEntity({ name, type = "application/octet-stream", content }) {
  if (!/^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/i.test(type)) throw new TypeError("not a media type");
  const lines = encodeBase64(content).match(/.{1,76}/g) ?? [];
  return `Content-Type: ${type}\r\nContent-Disposition: attachment;\r\n ${encodeParameter("filename", name)}\r\n`
    + `Content-Transfer-Encoding: base64\r\n\r\n${lines.join("\r\n")}`;
}

/**
 * What a reply to a message has: `to`, `subject`, `inReplyTo`, `references`, for {@link composeMessage}.
 *
 * @param {Envelope} envelope
 */
export function replyTo(envelope) {
  const subject = oneLine(envelope.subject ?? "").slice(0, 1000);
  return {
    to: envelope.replyTo.length > 0 ? envelope.replyTo : envelope.from,
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`.trim(),
    inReplyTo: envelope.messageID ?? undefined,
    references: `${envelope.inReplyTo ?? ""} ${envelope.messageID ?? ""}`,
  };
}

// MARK: Commands

/** An IMAP command: its text, and the octets that stand between its pieces as literals. */
export class Command {
  /** @param {Array<string | Uint8Array>} segments text and literals in turn */
  constructor(segments) {
    for (const segment of segments) {
      if (typeof segment === "string" && /[\0\r\n]/.test(segment)) throw new TypeError("a line end within a command");
    }
    this.segments = segments;
    /** Its name in capitals, of UID commands with it: `UID FETCH`. */
    this.name = upper(/^(?:UID )?\S*/i.exec(segments[0])[0]);
  }

  /** Without literals, for what is decided by it. */
  get text() { return this.segments.filter((segment) => typeof segment === "string").join(""); }
}

/** What stands in a command as it is: a flag, a set, a keyword. */
export class Atom {
  constructor(text) {
    if (!/^[^\u0000-\u0020"(){\u007f-\uffff]+$/.test(text)) throw new TypeError("not an atom");
    this.text = text;
  }
}

/**
 * Makes a command of a template: imap`SEARCH SUBJECT ${words}`. Strings become IMAP strings whatever they hold, octets
 * literals, arrays lists; numbers and `atom(…)` stay as they are. So no value can become another command.
 */
export function imap(texts, ...values) {
  const segments = [texts[0]];
  const add = (text) => (segments[segments.length - 1] += text);
  const put = (value) => {
    if (value === null) add("NIL");
    else if (value instanceof Atom) add(value.text);
    else if (value instanceof Uint8Array) segments.push(value, "");
    else if (typeof value === "bigint" || (Number.isSafeInteger(value) && value >= 0)) add(`${value}`);
    else if (typeof value === "string") putString(value);
    else if (Array.isArray(value)) {
      add("(");
      value.forEach((entry, at) => {
        if (at > 0) add(" ");
        put(entry);
      });
      add(")");
    } else throw new TypeError("a value that IMAP does not have");
  };
  const putString = (text) => {
    // Long ones, and those of other characters than a server must take in quotation marks, as literals (RFC 9051 §4.3).
    if (/^[\x20-\x7e]{0,500}$/.test(text)) add(`"${text.replace(/(["\\])/g, "\\$1")}"`);
    else segments.push(encoder.encode(text), "");
  };
  values.forEach((value, at) => {
    put(value);
    add(texts[at + 1]);
  });
  return new Command(segments);
}

/** @param {string} text */
export const atom = (text) => new Atom(text);

/** Commands after which the connection is another: nothing may be on its way beside them. */
const ALONE = new Set([
  "AUTHENTICATE", "CLOSE", "COMPRESS", "ENABLE", "EXAMINE", "IDLE", "LOGIN", "LOGOUT", "NOTIFY", "SELECT", "STARTTLS",
  "UNAUTHENTICATE", "UNSELECT",
]);
/** Their numbers are those of the moment: not beside others (RFC 9051 §5.5), and never on another connection. */
const NUMBERED = new Set(["COPY", "FETCH", "MOVE", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD"]);
/** They only ask, so that asking twice does nothing. */
const QUESTIONS = new Set([
  "CAPABILITY", "ESEARCH", "GETACL", "GETMETADATA", "GETQUOTA", "GETQUOTAROOT", "ID", "LIST", "LISTRIGHTS", "LSUB", "MYRIGHTS",
  "NAMESPACE", "NOOP", "STATUS", "UID FETCH", "UID SEARCH", "UID SORT", "UID THREAD",
]);

/** Whether a command may be sent again though it may have been done. */
export function isRepeatable(command) {
  if (!QUESTIONS.has(command.name)) return false;
  // These set \Seen, or what $ means.
  return !/\b(?:BODY|BINARY)\[|\bRFC822(?:\.TEXT)?(?![.\w])|\bSAVE\b/i.test(command.text);
}

/** What is sent of a command at a time: behind each step but the last, the server must ask for more (RFC 9051 §4.3). */
function stepsOf(tag, command, capabilities) {
  const isShort = capabilities.has("LITERAL-") || capabilities.has("IMAP4REV2");
  const steps = [];
  let pieces = [encoder.encode(`${tag} ${command.segments[0]}`)];
  for (let at = 1; at < command.segments.length; at += 2) {
    const literal = command.segments[at];
    const waits = !(capabilities.has("LITERAL+") || (isShort && literal.length <= 4096));
    pieces.push(encoder.encode(`${literal.includes(0) ? "~" : ""}{${literal.length}${waits ? "" : "+"}}\r\n`));
    if (waits) {
      steps.push(concatenate(pieces));
      pieces = [];
    }
    pieces.push(literal, encoder.encode(command.segments[at + 1]));
  }
  return [...steps, concatenate([...pieces, encoder.encode("\r\n")])];
}

// MARK: Transports

/**
 * @typedef {object} Transport octets to and from an IMAP server
 * @property {Set<string>} features what the bridge can do besides
 * @property {(octets: Uint8Array) => Promise<void>} send done when they have arrived; throws {@link ConnectionLostError}
 * @property {() => Promise<Uint8Array | null>} receive the next octets; null when the server has closed
 * @property {() => Promise<void>} close
 * @property {(error: Error | null) => void} [onTrouble] told while it tries to get over an error
 *
 * @typedef {object} World what a transport needs of the world; all of it can be replaced
 * @property {typeof globalThis.fetch} fetch
 * @property {typeof globalThis.WebSocket} [WebSocket]
 * @property {() => number} now milliseconds
 * @property {(action: () => void, milliseconds: number) => *} setTimeout
 * @property {(timer: *) => void} clearTimeout
 * @property {() => number} random
 * @property {(action: () => void) => () => void} onLeave has it called when the page is left for good; what is returned ends that
 */

/** @returns {World} */
function makeWorld(given) {
  return {
    fetch: (...request) => globalThis.fetch(...request),
    // Outside of browsers they do not say whose they are, and the bridge refuses them.
    WebSocket: globalThis.location === undefined ? undefined : globalThis.WebSocket,
    now: () => performance.now(),
    setTimeout: (action, milliseconds) => setTimeout(action, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    onLeave: (action) => {
      // A page that may come back goes on where it was.
      const listener = ({ persisted }) => { if (!persisted) action(); };
      globalThis.addEventListener?.("pagehide", listener);
      return () => globalThis.removeEventListener?.("pagehide", listener);
    },
    ...given,
  };
}

/** Lets time go by; not if the signal has come, and not longer than until then. */
async function pause(world, milliseconds, signal) {
  let timer;
  let stop;
  await new Promise((resolve) => {
    stop = resolve;
    timer = world.setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) resolve();
  });
  world.clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}

/** How long to wait before another attempt: twice as long each time, and at random, so that not all come at once. */
const backOff = (world, attempt, { first, most }) => (0.5 + world.random() / 2) * Math.min(most, first * 2 ** Math.min(attempt, 30));

/** More than a response of the bridge ever has. */
const MAX_BODY = 16 << 20;

/**
 * One request, from beginning to end. Throws {@link ConnectionLostError} if there is no answer, or not all of it: nobody
 * knows then whether the bridge has had the request.
 */
async function ask(world, url, { method = "POST", headers = {}, body, timeout, signal }) {
  const abort = new AbortController();
  const timer = world.setTimeout(() => abort.abort(), timeout);
  const stop = () => abort.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    const response = await world.fetch(url, {
      method, headers, body, signal: abort.signal, cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
    });
    return { status: response.status, headers: response.headers, octets: await bodyOf(response) };
  } catch (error) {
    throw new ConnectionLostError("no answer from the mail server", { mayHaveHappened: true, cause: error });
  } finally {
    world.clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

async function bodyOf(response) {
  const gathering = new Gathering();
  const reader = response.body?.getReader();
  for (let chunk; reader && !(chunk = await reader.read()).done; ) {
    if (gathering.length + chunk.value.length > MAX_BODY) {
      await reader.cancel();
      throw new ProtocolError("a response without end");
    }
    gathering.append(chunk.value);
  }
  return gathering.take();
}

function refusal({ status, headers, octets }) {
  const reason = headers.get("Bridge-Error");
  return new BridgeRefusal(textOf(octets.subarray(0, 200)).trim() || `status ${status}`, { status, reason });
}

/**
 * What an answer means for its request: "done", "closed"; "later", if it was not done and may come again; "refused"; or
 * "unknown", if it is a proxy's, which does not know what the bridge has done.
 */
function meaningOf({ status, headers }) {
  const reason = headers.get("Bridge-Error");
  if (status === 200 || status === 204) return "done";
  if (status === 404 || status === 410) return "closed";
  if (status >= 500 && reason === null) return "unknown";
  // Numbered bodies wait for one another; one whose predecessor does not come is not taken.
  if ([408, 425, 429].includes(status) || reason === "busy" || reason === "seq-gap") return "later";
  return "refused";
}

/** Milliseconds that the server wants to be left alone. */
function retryAfter({ headers }) {
  const seconds = Number(headers.get("Retry-After") ?? 1);
  return 1000 * Math.min(30, seconds >= 0 ? seconds : 1);
}

/**
 * IMAP by the four operations of the original protocol: open, send, receive, and nothing else.
 *
 * With them alone a lost answer ends the connection, for nobody knows what was lost with it. Where the bridge numbers what
 * is sent ("seq") and has what was received acknowledged ("ack"), requests are repeated until they are answered, and no
 * octet comes twice.
 */
export class PollingTransport {
  #world;
  #url;
  #pollTimeout;
  #unusedTimeout;
  #maxSend;
  #wait;
  #closing = new AbortController();
  #stay;
  #number = 0;
  #received = 0;
  #sending = Promise.resolve();
  /** Told of an error that it tries to get over, and null when it has. @type {(error: Error | null) => void} */
  onTrouble = () => {};

  /** @param {{url: URL | string, world?: Partial<World>, wait?: number}} options `wait`: seconds that a request may wait */
  static async open({ url, world: given, wait, signal }) {
    const world = makeWorld(given);
    const base = new URL(url);
    const answer = await ask(world, new URL("imap/", base), { timeout: 30000, signal });
    if (answer.status !== 200) throw refusal(answer);
    const id = textOf(answer.octets).trim();
    if (!/^[0-9a-f]{1,32}$/i.test(id)) throw new ProtocolError("there is no mail bridge here");
    return new PollingTransport(world, base, id, answer.headers, wait);
  }

  constructor(world, base, id, headers, wait) {
    const seconds = (name, otherwise) => 1000 * (Number(headers.get(name)) || otherwise);
    this.#world = world;
    this.id = id;
    this.base = base;
    this.#url = new URL(`imap/${id}/binary`, base);
    this.features = new Set((headers.get("Bridge-Features") ?? "").split(/[\s,]+/).filter(Boolean));
    this.#pollTimeout = seconds("Bridge-Poll-Timeout", 60);
    this.#unusedTimeout = seconds("Bridge-Unused-Timeout", 100);
    this.#maxSend = Number(headers.get("Bridge-Max-Send")) || Infinity;
    this.#wait = this.features.has("wait") ? wait : undefined;
    // A page that is loaded again and again would soon have all the connections that it may have.
    this.#stay = this.features.has("close") ? world.onLeave(() => this.#leave()) : () => {};
  }

  /** Ends it while the page is being left: nobody is there to wait for the answer. */
  #leave() {
    const request = { method: "POST", keepalive: true, cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" };
    Promise.resolve(this.#world.fetch(new URL(`imap/${this.id}?close=1`, this.base), request)).catch(() => {});
  }

  /** It has ended, or is another's to end. */
  forget() { this.#stay(); }

  /** Sends octets, behind all that was given before. */
  send(octets) {
    const sent = this.#sending.then(() => this.#sendAll(octets));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #sendAll(octets) {
    for (let at = 0; at < octets.length; at += this.#maxSend) {
      try {
        await this.#sendOne(octets.subarray(at, at + this.#maxSend));
      } catch (error) {
        throw at > 0 ? new ConnectionLostError(error.message, { mayHaveHappened: true, cause: error }) : error;
      }
    }
  }

  async #sendOne(body) {
    // Without it, a body without a line end may get one.
    const headers = { "Content-Type": "application/octet-stream", "Bridge-Raw": "1" };
    this.#number += 1;
    if (this.features.has("seq")) headers["Bridge-Seq"] = `${this.#number}`;
    // A slow line takes a while.
    await this.#untilDone({ headers, body, timeout: 30000 + body.length / 4 }, this.features.has("seq"));
  }

  /** The next octets that the server sends; waits for some. */
  async receive() {
    let empty = 0;
    while (!this.#closing.signal.aborted) {
      const asked = this.#world.now();
      const octets = await this.#receiveOne();
      if (octets === null || octets.length > 0) return octets;
      // A server that does not wait is not to be asked all the time.
      empty = this.#world.now() - asked < 500 ? empty + 1 : 0;
      if (empty > 2) await pause(this.#world, backOff(this.#world, empty, { first: 250, most: 10000 }), this.#closing.signal);
    }
    return null;
  }

  async #receiveOne() {
    const wait = this.#wait === undefined ? this.#pollTimeout : Math.min(this.#pollTimeout, 1000 * this.#wait);
    const headers = {};
    if (this.features.has("ack")) headers["Bridge-Ack"] = `${this.#received}`;
    if (this.#wait !== undefined) headers["Bridge-Wait"] = `${Math.round(wait / 1000)}`;
    const answer = await this.#untilDone({ headers, timeout: wait + 15000 }, this.features.has("ack"));
    return answer.status === 410 ? null : this.#fresh(answer);
  }

  /** What of an answer was not received before. */
  #fresh({ headers, octets }) {
    const offset = /^(\d+)-/.exec(headers.get("Bridge-Offset") ?? "");
    if (!this.features.has("ack") || !offset) return octets;
    const first = Number(offset[1]);
    if (first > this.#received) throw new ConnectionLostError("octets were lost");
    const fresh = octets.subarray(Math.min(octets.length, this.#received - first));
    this.#received += fresh.length;
    return fresh;
  }

  /** Asks until there is an answer; again where there was none only if that is safe. */
  async #untilDone(request, isSafe) {
    const began = this.#world.now();
    let mayHaveHappened = false;
    for (let attempt = 0; ; attempt += 1) {
      const lost = (error) => new ConnectionLostError(error.message, { mayHaveHappened, cause: error });
      let failure;
      let delay = backOff(this.#world, attempt, { first: 200, most: 5000 });
      try {
        const answer = await ask(this.#world, this.#url, { ...request, signal: this.#closing.signal });
        const meaning = meaningOf(answer);
        if (attempt > 0 && meaning === "done") this.onTrouble(null);
        // The end of what there is to receive, if it was asked for.
        if (meaning === "done" || (answer.status === 410 && !request.body)) return answer;
        failure = refusal(answer);
        if (meaning === "closed" || meaning === "refused") throw lost(failure);
        if (meaning === "unknown") mayHaveHappened = true;
        if (meaning === "unknown" && !isSafe) throw lost(failure);
        if (meaning === "later") delay = retryAfter(answer);
      } catch (error) {
        if (error.cause instanceof BridgeRefusal) throw error;
        failure = error;
        mayHaveHappened = true;
        if (!isSafe || this.#closing.signal.aborted) throw lost(error);
      }
      // Longer than the bridge keeps a connection that nobody uses.
      if (this.#world.now() - began > this.#unusedTimeout) throw lost(failure);
      if (attempt > 0) this.onTrouble(failure);
      await pause(this.#world, delay, this.#closing.signal);
    }
  }

  /** Ends it; a connection that nobody uses is closed by the bridge anyway. */
  async close() {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.forget();
    if (!this.features.has("close")) return;
    await ask(this.#world, new URL(`imap/${this.id}?close=1`, this.base), { timeout: 5000 }).catch(() => {});
  }
}

/** IMAP through a WebSocket, where octets go both ways without being asked for. */
export class WebSocketTransport {
  #socket;
  #world;
  #arrived = [];
  #wake = null;
  #end = null;
  #failOpening;
  #polling;

  /** Takes over a connection of which nothing was used yet. */
  static async takeOver(polling, given) {
    const world = makeWorld(given);
    const url = new URL(`imap/${polling.id}`, polling.base);
    url.protocol = url.protocol.replace("http", "ws");
    const transport = new WebSocketTransport(new world.WebSocket(url.href, "imap-bridge.v1"), polling, world);
    const timer = world.setTimeout(() => transport.#finish(new ConnectionLostError("the WebSocket does not open")), 15000);
    try {
      await transport.opened;
      return transport;
    } finally {
      world.clearTimeout(timer);
    }
  }

  constructor(socket, polling, world) {
    this.#socket = socket;
    this.#world = world;
    this.#polling = polling;
    this.features = polling.features;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") return this.#finish(new ProtocolError("text instead of octets"));
      this.#arrived.push(new Uint8Array(data));
      this.#wake?.();
    });
    this.opened = new Promise((resolve, reject) => {
      this.#failOpening = reject;
      socket.addEventListener("open", () => resolve());
    });
    this.opened.catch(() => {});
    socket.addEventListener("error", () => this.#finish(new ConnectionLostError("the WebSocket failed")));
    socket.addEventListener("close", ({ code }) => {
      this.#finish(code === 1000 ? null : new ConnectionLostError(`the WebSocket was closed (${code})`));
    });
  }

  #finish(error) {
    if (this.#end) return;
    this.#end = { error };
    this.#polling.forget();
    this.#failOpening(error ?? new ConnectionLostError("the WebSocket was closed"));
    this.#socket.close();
    this.#wake?.();
  }

  async send(octets) {
    // A frame has at most 1 MiB; and what the network does not take yet is not to be kept twice.
    for (let at = 0; at < octets.length; at += 1 << 19) {
      while (!this.#end && this.#socket.bufferedAmount > 1 << 22) await pause(this.#world, 20);
      if (this.#end || this.#socket.readyState !== 1) throw new ConnectionLostError("the WebSocket is closed", { mayHaveHappened: at > 0 });
      this.#socket.send(octets.subarray(at, at + (1 << 19)));
    }
  }

  async receive() {
    for (;;) {
      if (this.#arrived.length > 0) return concatenate(this.#arrived.splice(0));
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return null;
      await new Promise((resolve) => { this.#wake = resolve; });
    }
  }

  async close() { this.#finish(null); }
}

/**
 * Opens a connection, by WebSocket where there is one, and where not by polling.
 *
 * @param {{url: URL | string, kind?: "auto" | "polling" | "websocket", world?: Partial<World>, wait?: number}} options
 * @returns {Promise<Transport>}
 */
export async function openTransport({ url, kind = "auto", world, wait, signal }) {
  const polling = await PollingTransport.open({ url, world, wait, signal });
  const hasSocket = polling.features.has("ws") && makeWorld(world).WebSocket !== undefined;
  if (kind === "polling" || (kind === "auto" && !hasSocket)) return polling;
  try {
    if (!hasSocket) throw new ConnectionLostError("there is no WebSocket here");
    return await WebSocketTransport.takeOver(polling, world);
  } catch (error) {
    await polling.close();
    if (kind === "websocket") throw error;
    // A proxy that knows none, for example. What the first connection has sent may be lost with the WebSocket.
    return PollingTransport.open({ url, world, wait, signal });
  }
}

// MARK: Connection

/**
 * A command on its way. `fate` is "unsent" until all of it may have reached the server.
 *
 * @typedef {object} Job
 * @property {Command} command
 * @property {(response: Response) => boolean} wants which untagged responses are its own
 * @property {boolean} takesAll whether it does not know, and takes what no other does
 * @property {(response: Response) => boolean} claims which of these are no news to others
 * @property {boolean} isExact whether it can tell them from another's of the same name
 * @property {(text: string) => Uint8Array | null} [onContinue] what to send when the server asks for more
 */

/** One IMAP connection: commands side by side, each with the responses that are its own. Ends with its transport. */
class Connection {
  #transport;
  #world;
  #limit;
  #onResponse;
  #silence;
  #count = 0;
  /** By tag. */
  #running = new Map();
  /** What is still to be written: `{steps, job}`. */
  #unwritten = [];
  #greet;
  #refuse;
  #resolveEnd;
  #isGreeted = false;
  #isWriting = false;
  /** The command whose literal waits until the server asks for it, and what lets it go on. */
  #waiting = null;
  #more = null;
  #timer = null;
  #isEnded = false;
  /** What the server can do, in capitals. */
  capabilities = new Set();
  /** What it said when it was about to close. */
  farewell = null;

  /** @param {{world: World, limit: number, silence: number, onResponse: (response: Response, isClaimed: boolean) => void}} options */
  constructor(transport, { world, limit, silence, onResponse }) {
    this.#transport = transport;
    this.#world = world;
    this.#limit = limit;
    this.#silence = silence;
    this.#onResponse = onResponse;
    this.greeting = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuse = reject;
    });
    this.greeting.catch(() => {});
    this.ended = new Promise((resolve) => { this.#resolveEnd = resolve; });
    this.#read();
    this.#watch();
  }

  get features() { return this.#transport.features; }
  get running() { return [...this.#running.values()]; }

  /** Sends a command. `job.done(status)` or `job.fail(error)` is called unless the connection ends before. */
  start(job) {
    this.#count += 1;
    Object.assign(job, { tag: `A${this.#count}`, fate: "unsent", responses: [], size: 0, failure: null });
    this.#running.set(job.tag, job);
    this.#unwritten.push({ steps: stepsOf(job.tag, job.command, this.capabilities), job });
    this.#write();
  }

  /** Sends what is no command: the end of IDLE, an answer in AUTHENTICATE. */
  sendLine(text) {
    this.#unwritten.push({ steps: [encoder.encode(`${text}\r\n`)], job: null });
    this.#write();
  }

  /** Ends it, because of an error or by intention. What has not been answered is in `running`. */
  end(error) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#world.clearTimeout(this.#timer);
    this.#more?.();
    this.#refuse(error);
    this.#resolveEnd(error);
    this.#transport.close();
  }

  async #write() {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // Commands that are given in one go are sent in one.
    await null;
    while (this.#unwritten.length > 0 && !this.#isEnded) {
      const octets = [];
      const complete = [];
      this.#waiting = null;
      while (this.#unwritten.length > 0 && !this.#waiting) {
        const { steps, job } = this.#unwritten[0];
        // Refused while its literals were waiting, or given up before anything of it was sent.
        const isOver = job && !this.#running.has(job.tag);
        if (!isOver) octets.push(steps.shift());
        if (isOver || steps.length === 0) this.#unwritten.shift();
        else this.#waiting = job;
        if (!isOver && job && steps.length === 0) complete.push(job);
      }
      for (const job of complete) job.fate = "unknown";
      const more = new Promise((resolve) => { this.#more = resolve; });
      try {
        if (octets.length > 0) await this.#transport.send(concatenate(octets));
      } catch (error) {
        if (error.mayHaveHappened === false) for (const job of complete) job.fate = "unsent";
        this.end(error);
      }
      this.#watch();
      if (this.#waiting && !this.#isEnded) await more;
    }
    this.#isWriting = false;
  }

  async #read() {
    const framer = new ResponseFramer(this.#limit);
    try {
      for (let octets; (octets = await this.#transport.receive()) !== null; ) {
        this.#watch();
        for (const frame of framer.push(octets)) this.#dispatch(parseResponse(frame), frame);
      }
      this.end(new ConnectionLostError(this.farewell ?? "the server has closed the connection"));
    } catch (error) {
      this.end(error);
    }
  }

  /** A server that owes an answer and is silent for too long is gone. */
  #watch() {
    this.#world.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isEnded) return;
    this.#timer = this.#world.setTimeout(() => {
      const isAsked = this.running.some((job) => job.command.name !== "IDLE" || job.isEnding);
      if (isAsked || !this.#isGreeted) this.end(new ConnectionLostError("the server does not answer"));
      else this.#watch();
    }, this.#silence);
  }

  #dispatch(response, frame) {
    if (response.code?.name === "CAPABILITY") this.learn(response.code.values);
    if (response.name === "CAPABILITY") this.learn(response.capabilities ?? []);
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      if (response.kind === "untagged" && (response.name === "OK" || response.name === "PREAUTH")) return this.#greet(response);
      return this.end(new ConnectionLostError(response.text || "no greeting"));
    }
    if (response.kind === "continuation") return this.#continue(response.text);
    if (response.kind === "tagged") return this.#complete(response);
    if (response.name === "BYE") this.farewell = response.text;
    if (frame.isTooLarge) {
      // Nobody knows whose it was.
      for (const job of this.#running.values()) job.failure ??= new ResponseTooLargeError("a response is too large");
    }
    const takers = this.running.filter((job) => job.wants(response));
    const knowing = takers.filter((job) => !job.takesAll);
    const owners = knowing.length > 0 ? knowing : takers;
    for (const job of owners) this.#give(response, frame, job);
    this.#onResponse(response, owners.some((job) => job.claims(response)));
  }

  learn(capabilities) { this.capabilities = new Set(capabilities.map((name) => upper(`${name}`))); }

  #give(response, frame, job) {
    job.size += frame.size;
    if (job.size > this.#limit) {
      job.failure ??= new ResponseTooLargeError("the responses are too large");
      job.responses = [];
    } else {
      job.responses.push(response);
    }
  }

  #continue(text) {
    const job = this.running.find((job) => job.onContinue);
    if (!job) return this.#more?.();
    const answer = job.onContinue(text);
    if (answer !== null) this.sendLine(answer);
  }

  #complete(response) {
    const job = this.#running.get(response.tag);
    if (!job) return;
    this.#running.delete(response.tag);
    // Its literals are not wanted any more.
    if (job === this.#waiting) this.#more?.();
    this.#watch();
    if (job.failure) return job.fail(job.failure);
    const { name: status, code, text } = response;
    if (status === "OK") return job.done({ status, code, text, responses: job.responses });
    const kind = job.command.name === "AUTHENTICATE" || job.command.name === "LOGIN" ? AuthenticationError : CommandError;
    job.fail(new kind(text || status, { status, code, text, command: job.command.name }));
  }
}

// MARK: Client

/** Methods of their own take care of what these change. */
const METHODS = new Map([
  ["AUTHENTICATE", "authenticate"], ["LOGIN", "authenticate"], ["SELECT", "select"], ["EXAMINE", "select"], ["CLOSE", "unselect"],
  ["UNSELECT", "unselect"], ["LOGOUT", "close"], ["IDLE", "idle"], ["COMPRESS", null], ["STARTTLS", null], ["UNAUTHENTICATE", null],
]);

/** So many commands are on their way at most; how many the server does at the same time is its own affair. */
const MAX_RUNNING = 8;
/** So many messages a search may find; a set of a few octets can have all numbers there are. */
const MAX_FOUND = 1 << 22;
/** So many events wait for whoever reads them. */
const MAX_EVENTS = 1000;

/**
 * @typedef {{user: string, password: string} | {user: string, token: string}} Credentials a token is for OAUTHBEARER
 *
 * @typedef {object} Result of a command
 * @property {{name: string, values: Array} | null} code
 * @property {string} text
 * @property {Response[]} responses the untagged ones, in their order
 *
 * @typedef {object} Mailbox the selected one, as it is now
 * @property {string} name
 * @property {boolean} isReadOnly
 * @property {number} exists
 * @property {number} uidValidity
 * @property {number | null} uidNext as it was when it was selected
 * @property {string[]} flags
 * @property {string[]} permanentFlags
 */

/**
 * A mail client that stays connected.
 *
 * If the connection is lost, it makes a new one, logs in, selects the same mailbox, and goes on. A command is then in one of
 * three states. Not all of it was sent: it is sent now. It was sent, and only asks (FETCH that does not set `\Seen`,
 * SEARCH, STATUS, LIST …): it is sent again. It was sent, and changes something: nobody knows whether it was done, so it is
 * not repeated, but fails with {@link ConnectionLostError} and `mayHaveHappened`. Commands with message numbers, and with
 * UIDs of a mailbox that was made anew, fail, too, for they would mean other messages.
 */
export class MailClient {
  #url;
  #kind;
  #wait;
  #world;
  #credentials;
  #options;
  /** @type {"closed" | "connecting" | "open" | "waiting"} */
  #state = "closed";
  /** Another each time it is opened or closed: what was begun before is not for it any more. */
  #turn = 0;
  #connection = null;
  #features = new Set();
  #queue = [];
  #selection = null;
  #idlers = new Set();
  #idle = null;
  #idleTimer = null;
  #canIdle = true;
  #wake = null;
  /** The selected mailbox. @type {Mailbox | null} */
  mailbox = null;

  /**
   * @param {object} [options]
   * @param {URL | string} [options.url] the folder that imap/ and smtp/ are in; where this module came from, if not given
   * @param {Credentials | (() => Credentials | Promise<Credentials>)} [options.credentials] asked for at each login
   * @param {"auto" | "polling" | "websocket"} [options.transport]
   * @param {(state: string, details: {error?: Error, delay?: number}) => void} [options.onState] told of each new state; of
   *   "open" with an error, too, while requests fail and are repeated, and without when they do not any more
   * @param {(response: Response) => void} [options.onResponse] every untagged response, for logs
   * @param {number} [options.maxResponse] the most octets that one command may be answered
   * @param {{first?: number, most?: number, attempts?: number}} [options.retry] milliseconds between attempts to connect again
   * @param {number} [options.silence] milliseconds without a sign of life after which an asked server is gone
   * @param {number} [options.idleRenewal] milliseconds that IDLE lasts; less than 29 minutes (RFC 9051 §6.3.13)
   * @param {number} [options.wait] seconds that a request for data may wait, if the bridge's 60 are too long for a proxy
   * @param {Partial<World>} [options.world] fetch, WebSocket, clock and random numbers of one's own
   */
  constructor({ url = new URL("./", import.meta.url), credentials, transport = "auto", wait, world, ...options } = {}) {
    const here = new URL(url, globalThis.location?.href);
    if (!here.pathname.endsWith("/")) here.pathname += "/";
    this.#url = here;
    this.#kind = transport;
    this.#wait = wait;
    this.#world = makeWorld(world);
    this.#credentials = credentials;
    this.#options = {
      onState: () => {}, onResponse: () => {}, maxResponse: 64 << 20, silence: 120000, idleRenewal: 600000, idleDelay: 50,
      noopInterval: 30000, ...options, retry: { first: 1000, most: 60000, attempts: Infinity, ...options.retry },
    };
  }

  /** closed, connecting, open, or waiting before the next attempt to connect. */
  get state() { return this.#state; }
  /** What the server can do, in capitals. @returns {Set<string>} */
  get capabilities() { return this.#connection?.capabilities ?? new Set(); }
  /** What the bridge can do besides the original protocol. @returns {Set<string>} */
  get features() { return this.#features; }

  // MARK: Connecting

  /** Connects, and logs in if there are credentials. If that fails, it is not tried again. */
  async open({ signal } = {}) {
    if (this.#state !== "closed") throw new MailError("it is open already");
    const turn = (this.#turn += 1);
    this.#become("connecting");
    let connection;
    try {
      connection = await this.#establish(signal);
    } catch (error) {
      if (this.#turn === turn) this.#giveUp(new ConnectionLostError("it is not open", { cause: error }), error, null);
      throw signal?.aborted ? signal.reason : error;
    }
    if (this.#turn === turn) return this.#adopt(connection);
    // Closed meanwhile.
    const error = new ConnectionLostError("closed");
    connection.end(error);
    throw error;
  }

  /**
   * Logs in, now and after each lost connection.
   *
   * @param {Credentials | (() => Credentials | Promise<Credentials>)} credentials
   */
  async authenticate(credentials) {
    if (!this.#connection) throw new ConnectionLostError("it is not open");
    await this.#logIn(this.#connection, credentials);
    this.#credentials = credentials;
    this.#pump();
  }

  /** Does not wait any longer before the next attempt to connect: the network is there again, for example. */
  reconnectNow() { this.#wake?.(); }

  /** Logs out. What is still running or waiting fails. */
  async close() {
    if (this.#state === "closed") return;
    const connection = this.#connection;
    this.#connection = null;
    this.#giveUp(new ConnectionLostError("closed"), null, connection);
    if (!connection) return;
    let timer;
    await new Promise((resolve) => {
      connection.ended.then(resolve);
      timer = this.#world.setTimeout(resolve, 2000);
      // If it idles, the server waits for DONE, and takes nothing else for it.
      if (connection.running.some((job) => job.command.name === "IDLE")) connection.sendLine("DONE");
      connection.start({ command: new Command(["LOGOUT"]), wants: () => false, done: resolve, fail: resolve });
    });
    this.#world.clearTimeout(timer);
    connection.end(new ConnectionLostError("closed"));
  }

  #become(state, details = {}) {
    this.#state = state;
    this.#options.onState(state, details);
  }

  /** A connection that has logged in, and selected what was selected. */
  async #establish(signal) {
    const transport = await openTransport({ url: this.#url, kind: this.#kind, world: this.#world, wait: this.#wait, signal });
    const { maxResponse: limit, silence } = this.#options;
    const connection = new Connection(transport, {
      world: this.#world, limit, silence, onResponse: (response, isClaimed) => this.#heard(response, isClaimed),
    });
    try {
      this.#features = transport.features;
      // What lets no WebSocket through now will not do so the next time.
      if (this.#kind === "auto" && transport instanceof PollingTransport && this.#features.has("ws")) this.#kind = "polling";
      transport.onTrouble = (error) => connection === this.#connection && this.#become("open", error ? { error } : {});
      const greeting = await connection.greeting;
      if (connection.capabilities.size === 0) await this.#ask(connection, imap`CAPABILITY`);
      if (greeting.name === "PREAUTH") await this.#enable(connection);
      else if (this.#credentials) await this.#logIn(connection, this.#credentials);
      if (this.#selection) await this.#selectAgain(connection);
      return connection;
    } catch (error) {
      connection.end(error);
      throw error;
    }
  }

  #adopt(connection) {
    this.#connection = connection;
    connection.ended.then((error) => this.#lost(connection, error));
    this.#become("open");
    this.#pump();
  }

  /** A command outside the queue. */
  #ask(connection, command, { onDone, ...more } = {}) {
    return new Promise((resolve, fail) => {
      connection.ended.then(fail);
      const done = (result) => resolve(onDone ? onDone(result) : result);
      connection.start({ command, wants: () => true, claims: () => true, done, fail, ...more });
    });
  }

  async #logIn(connection, credentials) {
    const { user, password, token } = typeof credentials === "function" ? await credentials() : credentials;
    const { capabilities } = connection;
    if ([user, password, token].some((text) => text?.includes("\0"))) throw new TypeError("a name or password with NUL");
    let mechanism = null;
    let first;
    if (token !== undefined) {
      // RFC 7628 §3.1
      mechanism = "OAUTHBEARER";
      first = `n,a=${user.replaceAll("=", "=3D").replaceAll(",", "=2C")},\u0001auth=Bearer ${token}\u0001\u0001`;
    } else if (capabilities.has("AUTH=PLAIN")) {
      mechanism = "PLAIN";
      first = `\0${user}\0${password}`;
    } else if (capabilities.has("LOGINDISABLED")) {
      throw new MailError("passwords are not taken here: the way is not encrypted");
    }
    const before = connection.capabilities;
    if (mechanism === null) {
      await this.#ask(connection, imap`LOGIN ${user} ${password}`);
    } else {
      let initial = encodeBase64(encoder.encode(first));
      const isWithCommand = capabilities.has("SASL-IR");
      const command = new Command([`AUTHENTICATE ${mechanism}${isWithCommand ? ` ${initial}` : ""}`]);
      if (isWithCommand) initial = null;
      const onContinue = () => {
        const answer = initial ?? (token === undefined ? "*" : "AQ==");
        initial = null;
        return answer;
      };
      await this.#ask(connection, command, { onContinue });
    }
    if (connection.capabilities === before) await this.#ask(connection, imap`CAPABILITY`);
    await this.#enable(connection);
  }

  /** Names in UTF-8 (RFC 9051 §6.3.1, RFC 6855 §3). */
  async #enable(connection) {
    const wanted = ["IMAP4rev2", "UTF8=ACCEPT"].filter((name) => connection.capabilities.has(upper(name)));
    if (wanted.length === 0) return;
    try {
      await this.#ask(connection, new Command([`ENABLE ${wanted.join(" ")}`]));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  async #selectAgain(connection) {
    const { name, isReadOnly, uidValidity } = this.#selection;
    let now = null;
    try {
      const onDone = (result) => (this.mailbox = mailboxOf(name, result));
      now = await this.#ask(connection, selectCommand(name, isReadOnly), { onDone });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.mailbox = null;
    }
    const isSame = now?.uidValidity === uidValidity;
    this.#selection = now && { name, isReadOnly, uidValidity: now.uidValidity };
    if (!isSame) this.#refuse((job) => job.usesUIDs, new ConnectionLostError(`${now ? "the mailbox was made anew" : "the mailbox is gone"}`));
    this.#tell({ kind: "client", name: "RECONNECTED", mailbox: now, isSame });
  }

  /** Fails those in the queue that cannot be sent on another connection. */
  #refuse(condition, error) {
    const refused = this.#queue.filter(condition);
    this.#queue = this.#queue.filter((job) => !condition(job));
    for (const job of refused) job.fail(error);
  }

  /** After a connection has ended: what is to become of its commands, and the next connection. */
  #lost(connection, error) {
    if (connection !== this.#connection) return;
    this.#connection = null;
    this.#stopIdle();
    const again = [];
    for (const job of connection.running) {
      if (job.command.name === "IDLE" || job.isAbandoned) continue;
      const mayHaveHappened = job.fate !== "unsent";
      const isSafe = !job.usesNumbers && (!mayHaveHappened || job.isRepeatable);
      // One that ends each connection is not tried for ever.
      if (isSafe && job.attempts < 3) again.push(job);
      else job.fail(new ConnectionLostError("the connection was lost", { mayHaveHappened, cause: error }));
    }
    this.#queue = [...again, ...this.#queue];
    this.#refuse((job) => job.usesNumbers, new ConnectionLostError("message numbers are of a connection that was lost", { cause: error }));
    this.#reconnect(error);
  }

  async #reconnect(reason) {
    let error = reason;
    const turn = this.#turn;
    const { retry } = this.#options;
    for (let attempt = 0; attempt < retry.attempts; attempt += 1) {
      const delay = backOff(this.#world, attempt, retry);
      this.#become("waiting", { error, delay });
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      await pause(this.#world, delay, wake.signal);
      this.#wake = null;
      if (this.#turn !== turn) return;
      this.#become("connecting");
      try {
        const connection = await this.#establish();
        if (this.#turn === turn) return this.#adopt(connection);
        return connection.end(new ConnectionLostError("closed"));
      } catch (failure) {
        error = failure;
        if (this.#turn !== turn) return;
        // A password does not become right by being tried.
        if (error instanceof AuthenticationError && !["UNAVAILABLE", "LIMIT", "INUSE"].includes(error.code?.name)) break;
      }
    }
    this.#giveUp(new ConnectionLostError(error.message, { cause: error }), error, null);
  }

  /** Gives up, or is closed: nothing waits any more. */
  #giveUp(lost, error, connection) {
    this.#turn += 1;
    this.#stopIdle();
    this.#selection = null;
    this.mailbox = null;
    this.#become("closed", error ? { error } : {});
    this.#wake?.();
    this.#refuse(() => true, lost);
    for (const job of connection?.running ?? []) {
      job.fail(new ConnectionLostError(lost.message, { mayHaveHappened: job.fate !== "unsent" }));
    }
    for (const idler of [...this.#idlers]) idler.end(error);
  }

  // MARK: Commands

  /**
   * Does a command: imap`UID STORE ${atom("1:3")} +FLAGS (\\Flagged)`, or a line of text that nothing from outside is in.
   *
   * Commands are sent in their order, without waiting for one another where RFC 9051 §5.5 allows it, and may be done in
   * another order. What the server says while one runs, and does not say to another, is in its result.
   *
   * @param {Command | string} command
   * @param {object} [options]
   * @param {AbortSignal} [options.signal] stops waiting; what was sent may be done nevertheless
   * @param {boolean} [options.isRepeatable] whether to send it again though it may have been done; questions are, if not given
   * @param {(response: Response) => boolean} [options.wants] which responses are its own; all that are no other's, if not given
   * @returns {Promise<Result>}
   */
  command(command, options = {}) {
    const one = typeof command === "string" ? new Command([command]) : command;
    if (METHODS.has(one.name)) throw new TypeError(METHODS.get(one.name) ? `use ${METHODS.get(one.name)}()` : `${one.name} is not for here`);
    return this.#enqueue(one, options);
  }

  /** `onDone` makes the result of the command's, at once: what comes behind its last response comes after it. */
  #enqueue(command, { signal, wants, isExact = wants !== undefined, isRepeatable: again = isRepeatable(command), onDone } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#state === "closed") return reject(new ConnectionLostError("it is not open"));
      const job = {
        command, wants: wants ?? (() => true), claims: wants ? () => true : (response) => !isNews(response, command), isExact,
        takesAll: wants === undefined, isRepeatable: again, attempts: 0,
        isAlone: ALONE.has(command.name) || NUMBERED.has(command.name), usesNumbers: NUMBERED.has(command.name),
        usesUIDs: command.name.startsWith("UID "),
      };
      const stop = () => {
        job.isAbandoned = true;
        job.wants = () => false;
        this.#queue = this.#queue.filter((other) => other !== job);
        reject(signal.reason);
      };
      const settle = (end) => (value) => {
        signal?.removeEventListener("abort", stop);
        end(value);
        this.#pump();
      };
      Object.assign(job, { done: settle((result) => resolve(onDone ? onDone(result) : result)), fail: settle(reject) });
      signal?.addEventListener("abort", stop);
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** Starts what can be started. */
  #pump() {
    const connection = this.#connection;
    if (!connection || this.#state !== "open") return;
    if (this.#idle) {
      if (this.#queue.length > 0 || this.#idlers.size === 0) this.#endIdle();
      return;
    }
    while (this.#queue.length > 0 && fits(this.#queue[0], connection.running)) {
      const job = this.#queue.shift();
      job.attempts += 1;
      connection.start(job);
    }
    if (this.#idlers.size > 0 && this.#queue.length === 0 && connection.running.length === 0) this.#idleSoon();
  }

  /** An untagged response; claimed if it is the answer to a command. */
  #heard(response, isClaimed) {
    this.#options.onResponse(response);
    if (isClaimed) return;
    const { mailbox } = this;
    if (mailbox && response.name === "EXISTS") mailbox.exists = response.number ?? mailbox.exists;
    if (mailbox && response.name === "EXPUNGE") mailbox.exists -= 1;
    if (mailbox && response.name === "VANISHED" && response.isEarlier === false) mailbox.exists -= countOf(response.uids);
    this.#tell(response);
  }

  // MARK: Idling

  /**
   * What happens, as it happens: untagged responses that answer no command, such as EXISTS, EXPUNGE and FETCH with flags.
   *
   * Other commands may be done meanwhile. After a lost connection comes `RECONNECTED`, with `isSame` false if UIDs of before
   * mean nothing now; and if nobody has read for long, `OVERFLOW`: look for yourself then. To stop, leave the loop.
   *
   * @param {{signal?: AbortSignal}} [options]
   * @returns {AsyncIterableIterator<Response>}
   */
  idle({ signal } = {}) {
    const client = this;
    let events = [];
    let wake = () => {};
    let end = client.#state === "closed" ? { error: new ConnectionLostError("it is not open") } : null;
    const idler = {
      tell(event) {
        events = events.length < MAX_EVENTS ? events : [{ kind: "client", name: "OVERFLOW" }];
        events.push(event);
        wake();
      },
      end(error) {
        end ??= { error };
        client.#idlers.delete(idler);
        signal?.removeEventListener("abort", stop);
        client.#pump();
        wake();
      },
    };
    const stop = () => idler.end(null);
    if (!end && !signal?.aborted) this.#idlers.add(idler);
    else end ??= { error: null };
    signal?.addEventListener("abort", stop);
    this.#pump();
    return {
      [Symbol.asyncIterator]() { return this; },
      async next() {
        while (events.length === 0 && !end) await new Promise((resolve) => { wake = resolve; });
        if (events.length > 0) return { done: false, value: events.shift() };
        if (end.error) throw end.error;
        return { done: true, value: undefined };
      },
      async return(value) {
        events = [];
        stop();
        await client.#idle?.ended;
        return { done: true, value };
      },
    };
  }

  #tell(event) { for (const idler of this.#idlers) idler.tell(event); }

  /** A moment later, for one command is often followed by another. */
  #idleSoon() {
    if (this.#idleTimer !== null) return;
    const isIdle = this.#canIdle && (this.capabilities.has("IDLE") || this.capabilities.has("IMAP4REV2"));
    this.#idleTimer = this.#world.setTimeout(() => {
      this.#idleTimer = null;
      const isFree = this.#state === "open" && this.#queue.length === 0 && this.#connection?.running.length === 0;
      if (!isFree || this.#idlers.size === 0) return;
      if (isIdle) this.#startIdle(this.#connection);
      else this.#enqueue(imap`NOOP`, { wants: () => false }).catch(() => {});
    }, isIdle ? this.#options.idleDelay : this.#options.noopInterval);
  }

  #startIdle(connection) {
    const idle = { connection, isOn: false, job: null };
    idle.ended = new Promise((resolve) => { idle.resolve = resolve; });
    const after = (canIdle) => () => {
      this.#canIdle = canIdle;
      this.#stopIdle();
      this.#pump();
    };
    idle.job = {
      command: new Command(["IDLE"]), wants: () => false, done: after(true), fail: after(false),
      onContinue: () => {
        if (idle.isOn) return null;
        idle.isOn = true;
        return idle.job.isEnding ? "DONE" : null;
      },
    };
    // The server would close a connection on which nothing is asked for half an hour.
    idle.timer = this.#world.setTimeout(() => this.#endIdle(), this.#options.idleRenewal);
    this.#idle = idle;
    connection.start(idle.job);
  }

  /** Says DONE, as soon as the server has said that it idles. */
  #endIdle() {
    const idle = this.#idle;
    if (!idle || idle.job.isEnding) return;
    idle.job.isEnding = true;
    if (idle.isOn) idle.connection.sendLine("DONE");
  }

  #stopIdle() {
    this.#world.clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#world.clearTimeout(this.#idle?.timer);
    this.#idle?.resolve();
    this.#idle = null;
  }

  // MARK: Mail

  /**
   * Selects a mailbox, now and after each lost connection.
   *
   * @param {string} name
   * @param {{isReadOnly?: boolean, signal?: AbortSignal}} [options]
   * @returns {Promise<Mailbox>}
   */
  select(name, { isReadOnly = false, signal } = {}) {
    const onDone = (result) => {
      this.mailbox = mailboxOf(name, result);
      this.#selection = { name, isReadOnly, uidValidity: this.mailbox.uidValidity };
      return this.mailbox;
    };
    return this.#enqueue(selectCommand(name, isReadOnly), { wants: () => true, isRepeatable: true, signal, onDone });
  }

  /** Leaves the mailbox; what is marked as deleted stays. */
  async unselect() {
    const onDone = () => {
      this.#selection = null;
      this.mailbox = null;
    };
    await this.#enqueue(imap`UNSELECT`, { isRepeatable: true, onDone });
  }

  /**
   * What is asked for of messages, one object for each, by ascending UID.
   *
   * @param {number | Iterable<number> | string} uids
   * @param {string[]} items `["FLAGS", "ENVELOPE"]`
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<FetchedMessage[]>}
   */
  async fetch(uids, items, { signal } = {}) {
    if (Array.isArray(uids) && uids.length === 0) return [];
    const set = formatSet(uids);
    const command = new Command([`UID FETCH ${set} (${items.join(" ")})`]);
    const ranges = set === "$" ? [[1, Infinity]] : parseSet(set);
    // The last message is meant by *, whichever it is (RFC 9051 §9, seq-range).
    const isOpen = set.includes("*");
    const wants = ({ name, uid }) => name === "FETCH" && uid != null && (isOpen || isIn(ranges, uid));
    const messages = new Map();
    for (const response of (await this.#enqueue(command, { wants, signal })).responses) {
      const { kind, name, uid, items, sections, ...more } = response;
      const message = messages.get(uid) ?? { uid, items: {}, sections: {} };
      Object.assign(message.items, items);
      Object.assign(message.sections, sections);
      messages.set(uid, Object.assign(message, more));
    }
    return [...messages.values()].sort((one, other) => one.uid - other.uid);
  }

  /**
   * Octets of a message, or of a section of it: `1.2`, `HEADER`. Does not set `\Seen`.
   *
   * @returns {Promise<Uint8Array>}
   */
  async fetchBody(uid, section = "", { signal } = {}) {
    return (await this.#section(uid, section, "", signal)) ?? EMPTY;
  }

  /** The same in chunks, for what is too large to be had at once. */
  async *fetchChunks(uid, section = "", { size = 1 << 18, signal } = {}) {
    for (let offset = 0; ; offset += size) {
      const chunk = await this.#section(uid, section, `<${offset}.${size}>`, signal);
      if (chunk?.length > 0) yield chunk;
      if (!(chunk?.length >= size)) return;
    }
  }

  async #section(uid, section, partial, signal) {
    if (!/^[A-Za-z0-9.]*(?: \([A-Za-z0-9 _-]+\))?$/.test(section)) throw new TypeError("no section of a message");
    const [message] = await this.fetch(uid, [`BODY.PEEK[${section}]${partial}`], { signal });
    if (!message) throw new MailError("there is no such message");
    const label = upper(`BODY[${section}]`);
    const name = Object.keys(message.sections).find((name) => name === label || name.startsWith(`${label}<`));
    return message.sections[name];
  }

  /** A part, as {@link bodyStructure} of fetch has it, without its transfer encoding. @returns {Promise<Uint8Array>} */
  async fetchPart(uid, part, options) {
    return decodeTransfer(await this.fetchBody(uid, part.section, options), part.encoding);
  }

  /** What the author wrote, as text, also if it is HTML; `type` tells. @returns {Promise<{type: string, text: string}>} */
  async fetchText(uid, options) {
    const [message] = await this.fetch(uid, ["BODYSTRUCTURE"], options);
    const part = message?.bodyStructure ? textPart(message.bodyStructure) : null;
    if (!part) return { type: "text/plain", text: "" };
    const text = decodeText(await this.fetchPart(uid, part, options), part.parameters.charset);
    return { type: part.type, text: part.type === "text/html" ? textOfHTML(text) : text };
  }

  /**
   * UIDs of the messages that criteria fit: imap`SUBJECT ${words} UNSEEN`, or a text that nothing from outside is in.
   *
   * @param {Command | string} criteria
   * @returns {Promise<number[]>}
   */
  async search(criteria, { signal } = {}) {
    const { segments } = typeof criteria === "string" ? new Command([criteria]) : criteria;
    const isExtended = this.capabilities.has("ESEARCH") || this.capabilities.has("IMAP4REV2");
    const isUTF8 = this.capabilities.has("IMAP4REV2") || this.capabilities.has("UTF8=ACCEPT");
    const charset = segments.length > 1 && !isUTF8 ? "CHARSET UTF-8 " : "";
    const command = new Command([`UID SEARCH ${isExtended ? "RETURN (ALL) " : ""}${charset}${segments[0]}`, ...segments.slice(1)]);
    const wants = ({ name }) => name === "ESEARCH" || name === "SEARCH";
    // A plain SEARCH response does not say whose it is.
    const { responses } = await this.#enqueue(command, { wants, isExact: false, signal });
    const found = responses.flatMap(({ all, numbers }) => all ?? (numbers ?? []).map((number) => [number, number]));
    if (countOf(found) > MAX_FOUND) throw new ResponseTooLargeError("more messages than a mailbox has");
    return [...new Set(numbersOf(found))].sort((one, other) => one - other);
  }

  /** @returns {Promise<Object<string, number | bigint | string>>} `{MESSAGES: 3, UNSEEN: 1}` */
  async status(mailbox, items = ["MESSAGES", "UNSEEN"], { signal } = {}) {
    const command = imap`STATUS ${mailbox} ${items.map(atom)}`;
    const { responses } = await this.#enqueue(command, { wants: ({ name }) => name === "STATUS", isExact: false, signal });
    return responses.find((response) => sameMailbox(response.mailbox, mailbox))?.items ?? {};
  }

  /** Mailboxes whose names fit a pattern: `*` stands for anything, `%` for anything within a level. */
  async list(pattern = "*", { signal } = {}) {
    const wants = ({ name }) => name === "LIST";
    const { responses } = await this.#enqueue(imap`LIST "" ${pattern}`, { wants, isExact: false, signal });
    return responses.map(({ mailbox, flags, delimiter, extended }) => ({ mailbox, flags, delimiter, extended }));
  }

  /** Adds flags (`+`), removes them (`-`), or sets them. */
  async store(uids, operation, flags, { signal } = {}) {
    if (!["+", "-", ""].includes(operation)) throw new TypeError("operations are +, - and nothing");
    await this.#enqueue(imap`UID STORE ${atom(formatSet(uids))} ${atom(`${operation}FLAGS.SILENT`)} ${flags.map(atom)}`, { signal });
  }

  /** Moves messages to another mailbox. */
  async move(uids, mailbox, { signal } = {}) {
    await this.#enqueue(imap`UID MOVE ${atom(formatSet(uids))} ${mailbox}`, { signal });
  }

  /** Puts a message into a mailbox. @param {Uint8Array} message */
  append(mailbox, message, { flags = [], signal } = {}) {
    return this.#enqueue(imap`APPEND ${mailbox} ${flags.map(atom)} ${message}`, { signal });
  }

  // MARK: Sending

  /**
   * Sends a message, through the submission service behind the bridge.
   *
   * @param {Uint8Array} message as {@link composeMessage} writes it
   * @param {object} envelope
   * @param {string} envelope.from
   * @param {string | string[]} envelope.to each of them gets it, or none
   * @param {string} [envelope.key] the same for the same message: sending it twice is then sending it once, for a day
   * @returns {Promise<Reply>} the server's word that it has it
   * @throws {SMTPError} if it refuses; {@link ConnectionLostError} if nobody knows
   */
  async send(message, { from, to, key = uniqueText(), signal } = {}) {
    const credentials = typeof this.#credentials === "function" ? await this.#credentials() : this.#credentials;
    const { batch, commands } = smtpBatch(message, { from, to: listOf(to), credentials });
    const headers = { "Content-Type": "application/octet-stream", "Idempotency-Key": key };
    const timeout = 16 * 60000 + batch.length / 4;
    const isSafe = this.#features.has("idempotency");
    let mayHaveHappened = false;
    for (let attempt = 0; ; attempt += 1) {
      const url = new URL("smtp/binary", this.#url);
      const answer = await ask(this.#world, url, { headers, body: batch, timeout, signal }).catch((error) => error);
      if (signal?.aborted) throw signal.reason;
      const isLost = answer instanceof Error;
      const meaning = isLost ? "unknown" : meaningOf(answer);
      if (meaning === "done") return outcomeOf(answer.octets, commands);
      const failure = isLost ? answer : refusal(answer);
      // Unfinished: an earlier request is being done, or nobody knows what became of it.
      const isUnknown = meaning === "unknown" || failure.reason === "unfinished";
      mayHaveHappened ||= isUnknown;
      const isOver = attempt >= 5 || (isUnknown ? !isSafe : meaning !== "later");
      if (isOver) throw mayHaveHappened ? new ConnectionLostError(failure.message, { mayHaveHappened, cause: failure }) : failure;
      const delay = meaning === "later" ? retryAfter(answer) : backOff(this.#world, attempt, { first: 1000, most: 30000 });
      await pause(this.#world, delay, signal);
    }
  }
}

/** Whether a response may tell others something, though it came while a command ran. */
function isNews({ name }, command) {
  if (name === "FETCH") return !/\b(?:FETCH|STORE)$/.test(command.name);
  return ["EXISTS", "EXPUNGE", "VANISHED", "RECENT", "FLAGS", "OK", "NO", "BAD", "BYE"].includes(name);
}

/** Whether a command may be on its way beside others. */
function fits(job, running) {
  if (job.isAlone) return running.length === 0;
  return running.length < MAX_RUNNING && running.every((other) =>
    !other.isAlone && (other.command.name !== job.command.name || (job.isExact && other.isExact)));
}

const selectCommand = (name, isReadOnly) => (isReadOnly ? imap`EXAMINE ${name}` : imap`SELECT ${name}`);

const sameMailbox = (one, other) => one === other || (upper(one) === "INBOX" && upper(other) === "INBOX");

/** What a SELECT has said. @returns {Mailbox} */
function mailboxOf(name, { code, responses }) {
  const mailbox = {
    name, isReadOnly: code?.name === "READ-ONLY", exists: 0, uidValidity: 0, uidNext: null, flags: [], permanentFlags: [],
    highestModSeq: null,
  };
  for (const response of responses) {
    if (response.name === "EXISTS") mailbox.exists = response.number;
    if (response.name === "FLAGS") mailbox.flags = response.flags ?? [];
    const [value] = response.code?.values ?? [];
    switch (response.code?.name) {
      case "UIDVALIDITY": mailbox.uidValidity = asNumber(value) ?? 0; break;
      case "UIDNEXT": mailbox.uidNext = asNumber(value); break;
      case "PERMANENTFLAGS": mailbox.permanentFlags = asTexts(value); break;
      case "HIGHESTMODSEQ": mailbox.highestModSeq = asBigInt(value); break;
    }
  }
  return mailbox;
}

// MARK: SMTP

/**
 * @typedef {object} Reply
 * @property {number} code
 * @property {string | null} enhancedCode `2.1.5` (RFC 3463)
 * @property {string} text
 */

/** Replies of several lines each (RFC 5321 §4.2). @returns {Reply[]} */
export function parseReplies(octets) {
  const replies = [];
  let lines = [];
  for (const line of textOf(octets).split(/\r?\n/)) {
    const match = /^([2-5]\d\d)(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/.exec(line);
    if (!match) continue;
    const [, code, sign, enhancedCode = null, text = ""] = match;
    lines.push(text);
    if (sign === "-") continue;
    replies.push({ code: Number(code), enhancedCode, text: lines.join("\n") });
    lines = [];
  }
  return replies;
}

/**
 * A whole SMTP session in one request, and its commands for error messages.
 *
 * @param {Uint8Array} message
 * @param {{from: string, to: string[], credentials?: Credentials}} envelope
 */
export function smtpBatch(message, { from, to, credentials }) {
  if (to.length === 0) throw new TypeError("nobody to send it to");
  const [sender, ...recipients] = [from, ...to].map((address) => parseAddress(address).address);
  const needsUTF8 = ![sender, ...recipients].every(isPlain);
  const body = message.some((octet) => octet > 0x7f) ? " BODY=8BITMIME" : "";
  const commands = ["EHLO [127.0.0.1]"];
  if (credentials?.token !== undefined) {
    const user = credentials.user.replaceAll("=", "=3D").replaceAll(",", "=2C");
    commands.push(`AUTH OAUTHBEARER ${encodeBase64(encoder.encode(`n,a=${user},\u0001auth=Bearer ${credentials.token}\u0001\u0001`))}`);
  } else if (credentials) {
    commands.push(`AUTH PLAIN ${encodeBase64(encoder.encode(`\0${credentials.user}\0${credentials.password}`))}`);
  }
  commands.push(`MAIL FROM:<${sender}>${body}${needsUTF8 ? " SMTPUTF8" : ""}`);
  for (const recipient of recipients) commands.push(`RCPT TO:<${recipient}>`);
  commands.push("DATA");
  const batch = concatenate([encoder.encode(`${commands.join("\r\n")}\r\n`), dotStuffed(message), encoder.encode(".\r\nQUIT\r\n")]);
  return { batch, commands: commands.map((command) => command.replace(/^(AUTH \S+).*/, "$1")) };
}

/** The text of DATA: every line end CRLF, a dot at the beginning of a line doubled (RFC 5321 §4.5.2). */
function dotStuffed(message) {
  const stuffed = new Uint8Array(2 * message.length + 2);
  let length = 0;
  let isAtStart = true;
  for (let at = 0; at < message.length; at += 1) {
    const octet = message[at];
    if (octet === 0x0d || octet === 0x0a) {
      if (octet === 0x0d && message[at + 1] === 0x0a) at += 1;
      stuffed[length++] = 0x0d;
      stuffed[length++] = 0x0a;
      isAtStart = true;
    } else {
      if (isAtStart && octet === 0x2e) stuffed[length++] = 0x2e;
      stuffed[length++] = octet;
      isAtStart = false;
    }
  }
  if (!isAtStart) {
    stuffed[length++] = 0x0d;
    stuffed[length++] = 0x0a;
  }
  return stuffed.slice(0, length);
}

/** What the replies to a batch say: the last message is taken, or why not. */
function outcomeOf(octets, commands) {
  const replies = parseReplies(octets);
  const refused = replies.find(({ code }) => code >= 400);
  if (refused) {
    // The greeting comes first, the message's text last.
    const at = replies.indexOf(refused);
    const isLogin = replies.some(({ code }) => code === 334);
    const command = at === 0 ? "connecting" : isLogin ? "AUTH" : commands[at - 1] ?? "the message";
    throw new SMTPError(`${refused.code} ${refused.text}`, { ...refused, command, replies });
  }
  const accepted = replies[commands.length + 1];
  // The text was sent when DATA was answered.
  if (!accepted) throw new ConnectionLostError("the SMTP server has hung up", { mayHaveHappened: replies.length > commands.length });
  return accepted;
}
