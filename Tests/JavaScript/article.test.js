// SPDX-License-Identifier: Apache-2.0
// The example in the users' article does what it says; Tests/Programs/javascript.py says where a server is.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { composeMessage, imap, MailClient } from "./letterhouse.js";
import * as letterhouse from "./letterhouse.js";

const url = process.env.LETTERHOUSE_URL;
const password = process.env.LETTERHOUSE_PASSWORD;
const article = await readFile(new URL("../../Sources/letterhouse/Docs.docc/JavaScript.md", import.meta.url), "utf8");

test("the article names what there is", () => {
  const names = [...article.matchAll(/`(\w+)\(/g)].map(([, name]) => name).filter((name) => name !== "import");
  const methods = Object.getOwnPropertyNames(MailClient.prototype);
  assert.ok(names.length > 15);
  for (const name of names) assert.ok(methods.includes(name) || name in letterhouse, `${name} is in the article only`);
  for (const name of methods) {
    if (!["constructor", "state", "capabilities", "features"].includes(name)) assert.ok(names.includes(name), `${name} is not in the article`);
  }
  for (const [, name] of article.matchAll(/`(\w+(?:Error|Refusal))`/g)) assert.ok(name === "TypeError" || name in letterhouse, name);
});

test("its example answers mail", { skip: !url }, async () => {
  const [, example] = /```js\n(.*?)```/s.exec(article);
  const settings = [
    ['"./letterhouse.js"', JSON.stringify(new URL("./letterhouse.js", import.meta.url).href)], ['"https://mail.example.org/"', JSON.stringify(url)],
    ['password: "secret"', `password: ${JSON.stringify(password)}`],
  ];
  const program = settings.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, example);
  const folder = await mkdtemp(`${tmpdir()}/letterhouse-`);
  await writeFile(`${folder}/example.mjs`, program);

  const bob = new MailClient({ url, credentials: { user: "bob@example.org", password } });
  await bob.open();
  await bob.select("INBOX");
  const running = import(pathToFileURL(`${folder}/example.mjs`).href);
  const question = composeMessage({ from: "bob@example.org", to: "ann@example.org", subject: "Lunch today?", text: "I am hungry." });
  const events = bob.idle();
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 500))]);
  await bob.send(question, { from: "bob@example.org", to: "ann@example.org" });
  await running;
  while ((await bob.search(imap`SUBJECT ${"Re: Lunch today?"}`)).length === 0) await events.next();
  await events.return();
  const [uid] = await bob.search(imap`SUBJECT ${"Re: Lunch today?"}`);
  assert.equal((await bob.fetchText(uid)).text, "At one o'clock?\r\n\r\n> I am hungry.\r\n");
  await bob.store(uid, "+", ["\\Deleted"]);
  await bob.command("EXPUNGE");
  await bob.close();
  await rm(folder, { recursive: true });
});
