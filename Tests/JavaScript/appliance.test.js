// SPDX-License-Identifier: Apache-2.0
// The client and the running server; Tests/Programs/javascript.py starts one and says where.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthenticationError, atom, CommandError, composeMessage, imap, MailClient, partsOf, SMTPError } from "./letterhouse.js";
import { octets } from "./support.js";

const url = process.env.LETTERHOUSE_URL;
const password = process.env.LETTERHOUSE_PASSWORD;
const me = "bob@example.org";

/** A client that is open, for as long as the test takes; `fault` loses answers. */
async function withClient(options, body) {
  const client = new MailClient({ url, credentials: { user: me, password }, ...options });
  await client.open();
  try {
    await body(client);
  } finally {
    await client.close();
  }
}

/** Everything that a mail client does, in a mailbox of its own that is gone afterwards. */
async function everything(client) {
  const box = "T\u00e4st \"&\" \u65e5\u672c";
  await client.command(imap`CREATE ${box}`);
  assert.ok((await client.list("T*")).some(({ mailbox }) => mailbox === box));
  const mailbox = await client.select(box);
  assert.equal(mailbox.exists, 0);

  const subject = "Gr\u00fc\u00dfe aus \u65e5\u672c ".repeat(5).trim();
  const content = Uint8Array.from({ length: 300000 }, (_, index) => index * 7);
  const message = composeMessage({
    from: { name: "B\u00f6b", address: me }, to: me, subject, text: "\u00dcber\n.\nall", attachments: [{ name: "na\u00efve \u2013 file.bin", content }],
  });
  const events = client.idle();
  await client.append(box, message, { flags: ["\\Flagged"] });
  assert.deepEqual([(await events.next()).value.name, client.mailbox.exists], ["EXISTS", 1]);
  await events.return();

  const [uid] = await client.search(imap`SUBJECT ${"aus \u65e5\u672c"} FLAGGED`);
  const [{ envelope, bodyStructure, flags, size }] = await client.fetch(uid, ["FLAGS", "ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE"]);
  assert.deepEqual([envelope.subject, envelope.from], [subject, [{ name: "B\u00f6b", address: me }]]);
  assert.deepEqual([flags, size], [["\\Flagged"], message.length]);
  assert.deepEqual(await client.fetchBody(uid), message);
  const chunks = [];
  for await (const chunk of client.fetchChunks(uid, "", { size: 100000 })) chunks.push(chunk);
  assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), message);
  assert.deepEqual(await client.fetchText(uid), { type: "text/plain", text: "\u00dcber\r\n.\r\nall\r\n" });
  const attachment = [...partsOf(bodyStructure)].find(({ fileName }) => fileName === "na\u00efve \u2013 file.bin");
  assert.deepEqual(await client.fetchPart(uid, attachment), content);

  // All at once; each answer finds its question.
  const [one, other, status, found, thread] = await Promise.all([
    client.fetch(uid, ["FLAGS"]), client.fetchBody(uid, "HEADER.FIELDS (SUBJECT)"), client.status("INBOX"), client.search("ALL"),
    client.command(imap`UID THREAD ORDEREDSUBJECT UTF-8 ${atom("ALL")}`),
  ]);
  assert.equal(one[0].uid, uid);
  assert.ok(other.length > 50 && "MESSAGES" in status && found[0] === uid);
  assert.deepEqual(thread.responses.map(({ name, values }) => [name, values]), [["THREAD", [[`${uid}`]]]]);

  await client.store(uid, "+", ["\\Seen", "$Label1"]);
  assert.deepEqual((await client.fetch(uid, ["FLAGS"]))[0].flags.sort(), ["$Label1", "\\Flagged", "\\Seen"]);
  await client.move([uid], "Trash");
  assert.deepEqual(await client.search("ALL"), []);
  await assert.rejects(client.select("Nowhere"), (error) => error instanceof CommandError && error.code.name === "NONEXISTENT");
  await client.select("Trash");
  await client.store("1:*", "+", ["\\Deleted"]);
  await client.command("EXPUNGE");
  await client.command(imap`DELETE ${box}`);
}

test("everything, in whatever way the bridge offers", { skip: !url }, async (context) => {
  const offered = [];
  await withClient({}, (client) => { offered.push(...client.features); });
  await context.test("by polling", () => withClient({ transport: "polling" }, everything));
  // As with a bridge that knows the original protocol only.
  const original = async (...request) => {
    const response = await fetch(...request);
    return new Response(response.status === 204 ? null : response.body, {
      status: response.status, headers: [...response.headers].filter(([name]) => name !== "bridge-features"),
    });
  };
  await context.test("by the original's four operations", () => withClient({ world: { fetch: original } }, async (client) => {
    assert.deepEqual([...client.features], []);
    await everything(client);
  }));
  await context.test("on a network that loses every fourth answer", { skip: !offered.includes("seq") }, () => {
    let count = 0;
    const world = {
      fetch: async (...request) => {
        const response = await fetch(...request);
        const isLost = (count += 1) % 4 === 0;
        if (isLost) await response.arrayBuffer();
        if (isLost) throw new TypeError("lost");
        return response;
      },
    };
    return withClient({ transport: "polling", world }, everything);
  });
});

test("a wrong password, and mail that is not taken", { skip: !url }, async () => {
  const client = new MailClient({ url, credentials: { user: me, password: "wrong" } });
  await assert.rejects(client.open(), AuthenticationError);
  const message = octets("Subject: x\r\n\r\nx\r\n");
  await withClient({}, async (client) => {
    await assert.rejects(client.send(message, { from: "ann@example.org", to: me }), (error) => error instanceof SMTPError && error.command.startsWith("MAIL"));
    await assert.rejects(client.send(message, { from: me, to: "nobody@example.org" }), (error) => error.command === "RCPT TO:<nobody@example.org>");
  });
});
