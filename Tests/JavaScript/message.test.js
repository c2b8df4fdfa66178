// SPDX-License-Identifier: Apache-2.0
// Messages, written and read.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  composeMessage, decodeBase64, decodeQuotedPrintable, decodeText, decodeTransfer, decodeWords, encodeBase64, parseAddress, parseReplies, replyTo, smtpBatch, textOfHTML,
} from "./letterhouse.js";
import { octets, seededRandom, text } from "./support.js";

const base = { from: "ann@example.org", to: "bob@example.org", date: new Date("2026-11-29T23:05:09Z"), unique: "u1" };
const compose = (more) => text(composeMessage({ ...base, ...more }));

/** Header fields, unfolded. */
function fields(message) {
  const head = message.split("\r\n\r\n")[0].replace(/\r\n[ \t]/g, " ");
  return head.split("\r\n").map((line) => /^([A-Za-z-]+): (.*)$/.exec(line)?.slice(1) ?? assert.fail(`no field: ${line}`));
}

test("a simple message is as anybody would write it", () => {
  assert.equal(compose({ subject: "Lunch", text: "At one?\nAnn" }), [
    "From: ann@example.org", "To: bob@example.org", "Subject: Lunch", "Date: Sun, 29 Nov 2026 23:05:09 +0000", "Message-ID: <u1@example.org>",
    "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "", "At one?", "Ann", "",
  ].join("\r\n"));
});

test("every line is short, every octet ASCII, and all of it can be read again", () => {
  const random = seededRandom(7);
  const alphabet = ["a", "b", " ", " ", ".", "=", "?", "_", "\u00fc", "\u65e5", "\u{1f600}", "\"", "\\", "<", ",", "\t", "\n", "\r", "-"];
  const some = (length) => Array.from({ length: Math.floor(random() * length) }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  for (let round = 0; round < 500; round += 1) {
    const [subject, name, body] = [some(200), some(60), some(400)];
    const message = compose({ subject, from: { name, address: "ann@example.org" }, text: body });
    assert.match(message, /^[\t\r\n\x20-\x7e]*$/);
    assert.ok(message.split("\r\n").every((line) => line.length <= 200 && !/[\r\n]/.test(line)), message);
    const found = Object.fromEntries(fields(message));
    const oneLine = (value) => value.replace(/\s+/g, " ").trim();
    assert.equal(decodeWords(found.Subject), oneLine(subject));
    const shown = /^(?:(.*) )?<?ann@example\.org>?$/.exec(found.From)[1] ?? "";
    assert.equal(decodeWords(shown.replace(/^"(.*)"$/, "$1").replace(/\\(.)/g, "$1")), oneLine(name));
    const encoding = found["Content-Transfer-Encoding"];
    const read = decodeText(decodeTransfer(octets(message.slice(message.indexOf("\r\n\r\n") + 4)), encoding), "utf-8");
    const lines = body.replace(/\r\n|\r|\n/g, "\r\n");
    assert.equal(read, lines.endsWith("\r\n") ? lines : `${lines}\r\n`);
  }
});

test("nothing becomes another header field", () => {
  const evil = "x\r\nBcc: all@example.org\r\n\r\nevil\u0085\u2028\0";
  const message = compose({
    subject: evil, from: { name: evil, address: "ann@example.org" }, to: [{ name: `"${evil}`, address: "bob@example.org" }], inReplyTo: `<1@x>${evil}`,
    references: `${evil} <a@b> <b\r\nBcc: c@d> <\u00fc@x>`, attachments: [{ name: evil, content: octets("x") }],
  });
  assert.deepEqual(fields(message).map(([name]) => name),
    ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type"]);
  assert.equal(fields(message)[6][1], "<a@b> <1@x>");
  assert.ok(!/^Bcc/m.test(message));
  for (const address of ["a@b\r\nBcc: c@d", "a b@c", "a@b>", "<a@b", "a", "@b", "a@", "a@b,c@d", "a\0@b", 7, null]) {
    assert.throws(() => compose({ to: address ?? { address: null } }), TypeError, `${address}`);
    assert.throws(() => smtpBatch(octets("x"), { from: "a@b", to: [address] }), TypeError);
  }
  assert.throws(() => compose({ attachments: [{ name: "x", type: "text/plain\r\nX: y", content: octets("") }] }), TypeError);
});

test("addresses may have names", () => {
  assert.deepEqual(parseAddress("Ann Example <ann@example.org>"), { name: "Ann Example", address: "ann@example.org" });
  assert.deepEqual(parseAddress('"Example, \\"Ann\\"" <ann@example.org>'), { name: 'Example, "Ann"', address: "ann@example.org" });
  assert.deepEqual(parseAddress(" ann@example.org "), { name: null, address: "ann@example.org" });
  // Not the time that it takes, but that it ends at all.
  assert.throws(() => parseAddress(`${" ".repeat(1e5)}>${" ".repeat(1e5)}>a`), TypeError);
  assert.match(compose({ to: 'Ann "A." <a@b>' }), /To: "Ann \\"A\.\\"" <a@b>\r\n/);
});

test("attachments come whole, under their names", () => {
  const content = Uint8Array.from({ length: 1000 }, (_, at) => at);
  const message = compose({ text: "see", attachments: [{ name: "a b.bin", content }, { name: "\u65e5\u672c\u8a9e ".repeat(9), type: "image/png", content }] });
  assert.ok(message.split("\r\n").every((line) => line.length <= 100));
  const parts = message.split("--=_u1");
  assert.equal(parts.length, 5);
  assert.equal(parts[4], "--\r\n");
  assert.match(parts[2], /filename="a b.bin"/);
  assert.match(parts[3], /filename\*0\*=utf-8''%E6%97%A5/);
  assert.deepEqual(decodeBase64(parts[2].split("\r\n\r\n")[1]), content);
});

test("replies go to whom they should, in their conversation", () => {
  const nobody = { name: null, address: "x@y" };
  const envelope = { subject: "Lunch\r\nBcc: a@b", from: [nobody], replyTo: [], inReplyTo: "<0@x>", messageID: "<1@x>" };
  assert.deepEqual(replyTo(envelope), { to: [nobody], subject: "Re: Lunch Bcc: a@b", inReplyTo: "<1@x>", references: "<0@x> <1@x>" });
  assert.equal(replyTo({ ...envelope, subject: "RE: x" }).subject, "RE: x");
  assert.equal(replyTo({ ...envelope, subject: null, inReplyTo: null, messageID: null }).references, " ");
  assert.match(compose(replyTo(envelope)), /In-Reply-To: <1@x>\r\nReferences: <0@x>\r\n <1@x>\r\n/);
});

test("encoded words, whoever wrote them", () => {
  const cases = [
    ["plain", "plain"], ["=?utf-8?Q?a_b=20c?=", "a b c"], ["=?UTF-8?B?w7w=?= =?utf-8?b?w7w?=", "\u00fc\u00fc"], ["=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=BC?=", "\u00fc"],
    ["a =?iso-8859-1?q?=FC?= b", "a \u00fc b"], ["=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u65e5\u672c"], ["=?utf-8*en?q?hi?=", "hi"], ["=?x-unknown?q?hi?=", "hi"],
    ["=?utf-8?q?open", "=?utf-8?q?open"], ["=?utf-8?x?a?=", "=?utf-8?x?a?="], ["=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"],
  ];
  for (const [from, to] of cases) assert.equal(decodeWords(from), to);
});

test("transfer encodings, also broken ones", () => {
  assert.equal(text(decodeQuotedPrintable(octets("a=3D=\r\nb=c3=BC=\n=ZZ="))), "a=b\u00fc=ZZ=");
  assert.equal(text(decodeBase64("aGVs\r\nbG8=!!")), "hello");
  assert.equal(text(decodeBase64("aGVsbG8")), "hello");
  assert.equal(decodeBase64("a").length, 0);
  const random = seededRandom(3);
  for (const length of [0, 1, 2, 3, 100, 24575, 24576, 24577, 70001]) {
    const all = Uint8Array.from({ length }, () => random() * 256);
    assert.deepEqual(decodeBase64(encodeBase64(all)), all);
  }
  assert.equal(decodeText(octets("\xff"), "no such thing"), "\u00ff");
  assert.equal(decodeText(octets("\u00fc"), undefined), "\u00fc");
});

test("SMTP batches have what the message needs, and nothing else", () => {
  const batch = (message, more) => text(smtpBatch(octets(message), { from: "a@b", to: ["c@d"], ...more }).batch);
  assert.equal(batch("x\n.\r.y\r\n\r\n..z"), "EHLO [127.0.0.1]\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n..\r\n..y\r\n\r\n...z\r\n.\r\nQUIT\r\n");
  assert.match(batch("\u00fc", { to: ["\u00fc@d", "e@f"] }), /MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<\u00fc@d>\r\nRCPT TO:<e@f>\r\n/);
  assert.match(batch("", { credentials: { user: "a", password: "b" } }), /AUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\.\r\n/);
  assert.match(batch("", { credentials: { user: "a,b", token: "t" } }), /AUTH OAUTHBEARER /);
  assert.ok(!smtpBatch(octets(""), { from: "a@b", to: ["c@d"], credentials: { user: "a", password: "b" } }).commands.some((line) => line.includes("AGEAYg")));
  assert.throws(() => smtpBatch(octets(""), { from: "a@b", to: [] }), TypeError);
});

test("replies of one line and of many", () => {
  assert.deepEqual(parseReplies(octets("220 mx ESMTP\r\n250-one\r\n250-2.1.0 two\r\n250 three\r\nnonsense\r\n354\r\n550 5.1.1 no\r\n")), [
    { code: 220, enhancedCode: null, text: "mx ESMTP" }, { code: 250, enhancedCode: null, text: "one\ntwo\nthree" },
    { code: 354, enhancedCode: null, text: "" }, { code: 550, enhancedCode: "5.1.1", text: "no" },
  ]);
});

test("HTML is read as text, and does nothing", () => {
  const cases = [
    ["<p>Hello\n  <b>you</b>,</p><p>a &lt;b&gt; &amp;amp; &#65;&#x42;&nbsp;&bogus; &#0;&#99999999;</p>", "Hello you,\n\na <b> &amp; AB &bogus; &#0;&#99999999;"],
    ["<html><head><title>x</title><style>p { }</style></head><body>a<br>b<script>c</script>d</body>", "a\nbd"],
    ["<img alt='>' onerror=\"alert('>')\">x<!-- <p>no</p> -->y", "xy"],
    ["1 < 2 <3", "1 < 2 <3"], ["a<script>b", "a"], ["a<!-- b", "a"], ["a<b c='", "a"], ["<", "<"], ["", ""], ["<SCRIPT>a</script >b", "b"],
  ];
  for (const [html, expected] of cases) assert.equal(textOfHTML(html), expected, html);
  for (const piece of ["<!--", "<script>", "<a b='", "<", "<p>", "&#", "&amp;", "<a '", "< ", "</title", "\n <br>"]) {
    const cost = (count) => {
      const html = piece.repeat(count);
      const start = process.cpuUsage().user;
      textOfHTML(html);
      return process.cpuUsage().user - start;
    };
    const [small, large] = [cost(4000), cost(40000)];
    assert.ok(large < 60 * Math.max(small, 2000), `${piece}: ${small} and ${large} us`);
  }
});
