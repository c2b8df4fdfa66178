// SPDX-License-Identifier: Apache-2.0
// Octets from the server, cut into responses and made values of; whatever they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSet, parseResponse, parseSet, partsOf, ProtocolError, ResponseFramer, textPart } from "./letterhouse.js";
import { octets, plain, seededRandom } from "./support.js";

/** All responses in octets that come in these pieces. */
function responses(pieces, limit) {
  const framer = new ResponseFramer(limit);
  return pieces.flatMap((piece) => framer.push(piece)).map((frame) => parseResponse(frame));
}

const parse = (text) => {
  const all = responses([octets(text)]);
  assert.equal(all.length, 1, text);
  return all[0];
};

/** Response, and some of what must be in it. */
const cases = [
  ["* OK IMAP ready\r\n", { kind: "untagged", name: "OK", code: null, text: "IMAP ready" }],
  ["* OK [CAPABILITY IMAP4rev2 SASL-IR] hello {5}\r\n", { code: { name: "CAPABILITY", values: ["IMAP4rev2", "SASL-IR"] }, text: "hello {5}" }],
  ["* BYE\r\n", { name: "BYE", text: "" }],
  ["* NO [BADURL \"a]b\"] no\r\n", { code: { name: "BADURL", values: ["a]b"] }, text: "no" }],
  ["* OK [PERMANENTFLAGS (\\Seen \\*)] kept\r\n", { code: { name: "PERMANENTFLAGS", values: [["\\Seen", "\\*"]] } }],
  ["* OK [unclosed code\r\n", { code: null, text: "[unclosed code" }],
  ["* OK [ODD )(] it is\r\n", { code: { name: "ODD", values: [")("] } }],
  ["A1 OK [COPYUID 7 1:2 3:4] Done\r\n", { kind: "tagged", tag: "A1", name: "OK", code: { name: "COPYUID", values: ["7", "1:2", "3:4"] } }],
  ["A2 no\r\n", { kind: "tagged", tag: "A2", name: "NO", text: "" }],
  ["+ idling\r\n", { kind: "continuation", text: "idling" }],
  ["+\r\n", { kind: "continuation", text: "" }],
  ["* CAPABILITY IMAP4rev1 IDLE\r\n", { name: "CAPABILITY", capabilities: ["IMAP4rev1", "IDLE"] }],
  ["* ENABLED\r\n", { name: "ENABLED", capabilities: [] }],
  ["* 23 EXISTS\r\n", { name: "EXISTS", number: 23 }],
  ["* 3 expunge\n", { name: "EXPUNGE", number: 3 }],
  ["* VANISHED (EARLIER) 41,43:116\r\n", { isEarlier: true, uids: [[41, 41], [43, 116]] }],
  ["* VANISHED 1:4294967295\r\n", { isEarlier: false, uids: [[1, 4294967295]] }],
  ["* FLAGS (\\Seen $Forwarded)\r\n", { flags: ["\\Seen", "$Forwarded"] }],
  ["* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent \\\"Mail\\\"\"\r\n", { flags: ["\\HasNoChildren", "\\Sent"], delimiter: "/", mailbox: 'Sent "Mail"' }],
  ["* LIST () NIL INBOX (\"CHILDINFO\" (\"SUBSCRIBED\") OLDNAME (x))\r\n", { delimiter: null, mailbox: "INBOX", extended: { CHILDINFO: ["SUBSCRIBED"], OLDNAME: ["x"] } }],
  ["* LIST () \"/\" {6}\r\nEntw\u00fc\r\n", { mailbox: "Entw\u00fc" }],
  ["* LIST () \"/\" [Gmail]/All\r\n", { mailbox: "[Gmail]/All" }],
  ["* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 9223372036854775807)\r\n",
    { mailbox: "blurdybloop", items: { MESSAGES: 231, UIDNEXT: 44292, HIGHESTMODSEQ: 9223372036854775807n } }],
  ["* SEARCH 2 3 6 (MODSEQ 917162500)\r\n", { numbers: [2, 3, 6], modSeq: 917162500n }],
  ["* SEARCH\r\n", { numbers: [] }],
  ["* ESEARCH (TAG \"A285\") UID MIN 7 COUNT 17 ALL 4:18,21,28\r\n",
    { tag: "A285", isUID: true, min: 7, count: 17, all: [[4, 18], [21, 21], [28, 28]] }],
  ["* ESEARCH (TAG \"t\" MAILBOX \"a b\" UIDVALIDITY 3) PARTIAL (1:2 NIL)\r\n", { mailbox: "a b", isUID: false, all: null }],
  ["* NAMESPACE ((\"\" \"/\")) NIL ((\"Public/\" \"/\" X (y)))\r\n",
    { personal: [{ prefix: "", delimiter: "/" }], other: [], shared: [{ prefix: "Public/", delimiter: "/" }] }],
  ["* QUOTA \"\" (STORAGE 10 512 MESSAGE 2 9)\r\n",
    { root: "", resources: [{ name: "STORAGE", usage: 10, limit: 512 }, { name: "MESSAGE", usage: 2, limit: 9 }] }],
  ["* QUOTAROOT INBOX \"\" b\r\n", { mailbox: "INBOX", roots: ["", "b"] }],
  ["* ID (\"name\" \"Letterhouse\" \"os\" NIL)\r\n", { fields: { name: "Letterhouse", os: null } }],
  ["* ACL INBOX ann lrs bob l\r\n", { mailbox: "INBOX", rights: { ann: "lrs", bob: "l" } }],
  ["* METADATA INBOX (/shared/comment {2}\r\nhi)\r\n", { mailbox: "INBOX", entries: { "/shared/comment": "hi" } }],
  ["* METADATA \"\" /shared/comment\r\n", { mailbox: "", changed: ["/shared/comment"] }],
  ["* 12 FETCH (FLAGS (\\Seen) UID 4827313 MODSEQ (65402) RFC822.SIZE 44827 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\n",
    { number: 12, uid: 4827313, flags: ["\\Seen"], modSeq: 65402n, size: 44827, internalDate: new Date("1996-07-17T09:44:25Z") }],
  ["* 1 FETCH (BODY[HEADER.FIELDS (TO \"Cc\")]<0> {3}\r\na\r\n BINARY[1] ~{2}\r\n\0) BODY[2] NIL BODY[3] \"q\")\r\n",
    { sections: { "BODY[HEADER.FIELDS (TO \"CC\")]<0>": octets("a\r\n"), "BINARY[1]": octets("\0)"), "BODY[2]": null, "BODY[3]": octets("q") } }],
  ["* 1 FETCH (BODY[] {0}\r\n)\r\n", { sections: { "BODY[]": octets("") } }],
  ["* 1 FETCH (BODY[ {3}\r\nabc)\r\n", { number: 1 }],
  ["* 1 FETCH (ENVELOPE (\"Wed\" \"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=\" ((\"Ann\" NIL \"ann\" \"example.org\")) NIL NIL ((NIL NIL \"us\" NIL)(NIL NIL "
    + "\"bob\" \"x\")(NIL NIL NIL NIL)(\"C\" NIL \"c\" \"y\")) () NIL NIL \"<1@x>\"))\r\n", {
    envelope: {
      date: "Wed", subject: "Gr\u00fc\u00dfe", from: [{ name: "Ann", address: "ann@example.org" }], sender: [], replyTo: [],
      to: [{ name: null, address: "bob@x", group: "us" }, { name: "C", address: "c@y" }], cc: [], bcc: [], inReplyTo: null, messageID: "<1@x>",
    },
  }],
  ["* 1 FETCH (PREVIEW NIL EMAILID (M1) THREADID NIL)\r\n", { preview: null, emailID: "M1", threadID: null }],
  ["* THREAD (2)(3 6 (4 23)(44 7))\r\n", { values: [["2"], ["3", "6", ["4", "23"], ["44", "7"]]] }],
  ["* X-ODD nil \"nil\" (())\r\n", { name: "X-ODD", values: [null, "nil", [[]]] }],
  ["* LIST () \"/\" (\r\n", { kind: "unknown", name: "LIST" }],
  ["* 1 FETCH ())\r\n", { kind: "unknown" }],
  ["* FLAGS \"open\r\n", { kind: "unknown" }],
  ["* constructor x\r\n", { name: "CONSTRUCTOR", values: ["x"] }],
  ["* ID (\"__proto__\" \"x\")\r\n", { name: "ID" }],
  ["\r\n", { kind: "unknown" }],
];

test("each response has its values", () => {
  for (const [text, expected] of cases) {
    const response = parse(text);
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(plain(response[name]), value, `${text} ${name}`);
  }
});

test("names from outside are no properties that objects have", () => {
  const { fields } = parse("* ID (\"__proto__\" \"x\" \"constructor\" \"y\")\r\n");
  assert.equal(Object.getPrototypeOf(fields), null);
  assert.deepEqual(Object.keys(fields), ["__proto__", "constructor"]);
  assert.equal({}.x, undefined);
});

test("parts have their sections, names and texts", () => {
  const text = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"iso-8859-1\") NIL NIL \"QUOTED-PRINTABLE\" 10 1 NIL NIL NIL NIL)";
  const picture = "(\"image\" \"png\" (\"name\" \"=?utf-8?Q?=C3=BC.png?=\") \"<id>\" NIL \"BASE64\" 900 NIL (\"ATTACHMENT\" (\"filename*0*\" \"utf-8''%e2%82\" "
    + "\"filename*1*\" \"%ac\" \"filename*2\" \" rates.png\")) NIL)";
  const inner = "(\"Wed\" \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL)";
  const forwarded = `("message" "rfc822" NIL NIL NIL "7bit" 500 ${inner} (${text}${picture} "mixed") 12 NIL ("inline" NIL) NIL)`;
  const { bodyStructure } = parse(`* 1 FETCH (BODYSTRUCTURE (((${text})("text" "html" NIL NIL NIL "7bit" 4 1) "ALTERNATIVE" NIL)${picture}${forwarded} "MIXED" ("BOUNDARY" "x")))\r\n`
    .replace(`((${text})(`, `(${text}(`));
  const all = [...partsOf(bodyStructure)].map(({ section, type }) => `${section} ${type}`);
  assert.deepEqual(all, [
    " multipart/mixed", "1 multipart/alternative", "1.1 text/plain", "1.2 text/html", "2 image/png", "3 message/rfc822", "3 multipart/mixed",
    "3.1 text/plain", "3.2 image/png",
  ]);
  assert.equal(bodyStructure.parts[1].fileName, "\u20ac rates.png");
  assert.equal(bodyStructure.parts[1].disposition, "attachment");
  assert.equal(bodyStructure.parts[2].envelope.subject, "inner");
  assert.equal(bodyStructure.parts[2].disposition, "inline");
  assert.equal(textPart(bodyStructure).section, "1.1");
  assert.equal(textPart(bodyStructure).parameters.charset, "iso-8859-1");
  const single = parse(`* 1 FETCH (BODYSTRUCTURE ${text})\r\n`).bodyStructure;
  assert.equal(single.section, "1");
  const nested = parse(`* 1 FETCH (BODYSTRUCTURE ("message" "rfc822" NIL NIL NIL "7bit" 500 ${inner} ${text} 12))\r\n`).bodyStructure;
  assert.deepEqual([...partsOf(nested)].map(({ section }) => section), ["1", "1.1"]);
});

test("structures that are none do not hurt", () => {
  for (const odd of ["()", "(())", "((()))", "(NIL NIL)", "(\"text\")", "(() \"mixed\")", "(\"message\" \"rfc822\")", "((NIL) NIL (NIL) (NIL))"]) {
    assert.ok(parse(`* 1 FETCH (BODYSTRUCTURE ${odd})\r\n`).kind, odd);
    assert.ok(parse(`* 1 FETCH (ENVELOPE ${odd})\r\n`).kind, odd);
  }
});

test("it does not matter how the octets are cut", () => {
  const all = octets(cases.map(([text]) => text).join(""));
  const expected = plain(responses([all]));
  assert.equal(expected.length, cases.length);
  assert.deepEqual(plain(responses([...all].map((octet) => Uint8Array.of(octet)))), expected);
  for (const [text] of cases) {
    const one = octets(text);
    const whole = plain(responses([one]));
    for (let cut = 0; cut <= one.length; cut += 1) {
      assert.deepEqual(plain(responses([one.subarray(0, cut), one.subarray(cut)])), whole, `${text} cut at ${cut}`);
    }
  }
});

test("what is too large is passed over, and what follows is not", () => {
  const after = "* 7 EXISTS\r\n";
  const tooLarge = [
    `* 1 FETCH (UID 5 BODY[] {5000}\r\n${"x".repeat(5000)} FLAGS ())\r\n`,
    `* 1 FETCH (${"FLAGS ".repeat(900)})\r\n`,
    `* 1 FETCH (${"FLAGS ".repeat(900)}BODY[] {4}\r\n\r\n\r\n)\r\n`,
    `* OK ${"x".repeat(5000)} {6}\r\n`,
  ];
  for (const text of tooLarge) {
    for (const pieces of [[octets(text + after)], [...octets(text + after)].map((octet) => Uint8Array.of(octet))]) {
      const framer = new ResponseFramer(1000);
      const frames = pieces.flatMap((piece) => framer.push(piece));
      assert.deepEqual(frames.map((frame) => frame.isTooLarge), [true, false], text.slice(0, 40));
      assert.ok(frames[0].segments.every((segment) => segment.length <= 1000));
      assert.equal(parseResponse(frames[1]).number, 7);
    }
  }
  assert.throws(() => new ResponseFramer(1000).push(octets("* X {99999999999999999999}\r\n")), ProtocolError);
});

test("garbage is no exception", () => {
  const random = seededRandom(1);
  const pieces = ["* ", "1 ", "FETCH ", "(", ")", "\"", "\\", "[", "]", "{3}\r\n", "\r\n", "\n", "NIL ", "BODY[", "ENVELOPE ", "BODYSTRUCTURE ", "ESEARCH ",
    "LIST ", "\0", "\xff", " ", "A1 OK ", "UID ", "VANISHED ", "STATUS ", "+", ",", ":", "*", "QUOTA ", "NAMESPACE "];
  for (let round = 0; round < 8000; round += 1) {
    let text = random() < 0.5 ? "* 1 FETCH (" : "* ";
    for (let count = random() * 30; count > 0; count -= 1) text += pieces[Math.floor(random() * pieces.length)];
    for (const response of responses([octets(`${text}\r\n`)], 500)) assert.ok(["tagged", "untagged", "continuation", "unknown"].includes(response.kind));
  }
});

test("time grows as the octets do", () => {
  const shapes = [
    (size) => `* 1 FETCH (${"(".repeat(size)}\r\n`,
    (size) => `* X ${"(".repeat(150)}${"x ".repeat(size)}\r\n`,
    (size) => `* X "${"\\\"".repeat(size)}"\r\n`,
    (size) => `* X ${"BODY[ ".repeat(size)}\r\n`,
    (size) => `* X ${"BODY[".repeat(size)}]\r\n`,
    (size) => `* OK ${"[".repeat(size)}\r\n`,
    (size) => `* OK [X ${"\"".repeat(size)}\r\n`,
    (size) => `* VANISHED ${"1:2,".repeat(size)}9\r\n`,
    (size) => `* 1 FETCH (ENVELOPE (NIL "${"=?a?b?".repeat(size)}" NIL))\r\n`,
    (size) => `* 1 FETCH (ENVELOPE (NIL "${"=?utf-8?q?a?= ".repeat(size)}" NIL))\r\n`,
    (size) => `* 1 FETCH (BODYSTRUCTURE (${"(\"a\" \"b\")".repeat(size)} "mixed"))\r\n`,
    (size) => `* 1 FETCH (${"BODY[] {0}\r\n ".repeat(size)})\r\n`,
    (size) => `${"{0}\r\n".repeat(size)}\r\n`,
    (size) => `${"x".repeat(size)} {0}\r\n${"{0}\r\n".repeat(size)}\r\n`,
  ];
  for (const shape of shapes) {
    const cost = (size) => Math.min(...[1, 2, 3].map(() => {
      const input = octets(shape(size));
      const start = process.cpuUsage().user;
      responses([input]);
      return process.cpuUsage().user - start;
    }));
    // Quadratic time would be a hundred times as much, and hours in the end; ten is linear, all else is noise.
    const [small, large] = [cost(4000), cost(40000)];
    assert.ok(large < 60 * Math.max(small, 2000), `${shape(3)}: ${small} and ${large} us`);
  }
});

test("sets are read and written", () => {
  assert.deepEqual(parseSet("5:3,1,*:9,2"), [[1, 5], [9, Infinity]]);
  assert.equal(formatSet([5, 1, 2, 3, 3, 9]), "1:3,5,9");
  assert.equal(formatSet(7), "7");
  assert.equal(formatSet("1:*"), "1:*");
  for (const wrong of ["", "a", "1:2:3", "1,", "1 NOOP\r\n", "-1"]) assert.throws(() => formatSet(wrong), ProtocolError, wrong);
  for (const wrong of [[], [0], [1.5], ["1"], [2 ** 32]]) assert.throws(() => formatSet(wrong), TypeError);
});
