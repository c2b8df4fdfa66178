// SPDX-License-Identifier: Apache-2.0
// The client, on networks that lose, repeat and cut at every place: no command is lost, and none is done twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthenticationError, atom, Command, CommandError, ConnectionLostError, imap, isRepeatable, MailClient, MailError, ResponseTooLargeError, SMTPError,
} from "./letterhouse.js";
import { Bridge, Clock } from "./fake.js";
import { octets, text } from "./support.js";

const credentials = { user: "ann@example.org", password: "secret" };
const ALL = ["seq", "ack", "close", "wait", "units"];

function fixture({ features = ALL, fault, transport = "polling", ...options } = {}) {
  const clock = new Clock();
  const bridge = new Bridge(clock, features, fault);
  const states = [];
  const client = new MailClient({
    url: "http://mail.example/", credentials, transport, world: bridge.world, onState: (state) => states.push(state), ...options,
  });
  return { clock, bridge, client, states };
}

const flag = (number) => `UID STORE ${number} +FLAGS (k${number})`;

/** Eight commands that change something, questions between them, one after another and all at once; what became of each. */
async function work({ client, clock }) {
  const outcomes = [];
  const change = (number) => client.command(flag(number)).then(
    () => outcomes.push([number, "done"]),
    (error) => {
      assert.ok(error instanceof ConnectionLostError, `${error}`);
      outcomes.push([number, error.mayHaveHappened ? "perhaps" : "not"]);
    },
  );
  await client.select("INBOX");
  const events = client.idle();
  const moment = () => new Promise((resolve) => clock.world.setTimeout(resolve, 100));
  await moment();
  await change(1);
  assert.deepEqual(await client.search("ALL"), [1, 2, 3]);
  await Promise.all([change(2), client.search("UNSEEN"), change(3), client.command("NOOP"), change(4)]);
  assert.equal(text(await client.fetchBody(7)), "Subject: x\r\n");
  await moment();
  await change(5);
  await Promise.all([change(6), client.append("Sent", octets("a\r\nb")).catch((error) => assert.ok(error.mayHaveHappened))]);
  await events.return();
  await change(7);
  await client.close();
  return outcomes;
}

/** Holds what the client believes against what the server has done. */
function check({ bridge }, outcomes, what) {
  assert.equal(outcomes.length, 7, what);
  for (const [number, outcome] of outcomes) {
    const times = bridge.done.filter((line) => line === flag(number)).length;
    const allowed = { done: [1], perhaps: [0, 1], not: [0] }[outcome];
    assert.ok(allowed.includes(times), `${what}: command ${number} is ${outcome}, and was done ${times} times`);
  }
  assert.ok(bridge.done.filter((line) => line.startsWith("APPEND")).length <= 1, what);
}

test("without faults everything is done, with the original's four operations and with more", async () => {
  for (const features of [[], ALL, [...ALL, "ws"]]) {
    const all = fixture({ features, transport: "auto" });
    const outcomes = await all.clock.run(all.client.open().then(() => work(all)));
    assert.ok(outcomes.every(([, outcome]) => outcome === "done"));
    check(all, outcomes, `${features}`);
    assert.deepEqual(all.states, ["connecting", "open", "closed"]);
    // By WebSocket, one request opens it.
    assert.equal(all.bridge.requests === 1, features.includes("ws"));
    assert.ok(all.bridge.log.includes("IDLE"));
    assert.equal(all.bridge.log[all.bridge.log.length - 1], "LOGOUT");
  }
});

for (const [name, features] of [["the original protocol", []], ["numbers and acknowledgements", ALL]]) {
  test(`a request that fails, whichever and however, by ${name}`, async () => {
    const plain = fixture({ features });
    await plain.clock.run(plain.client.open().then(() => work(plain)));
    const count = plain.bridge.requests;
    assert.ok(count > 20);
    for (const kind of ["request", "response", "cut", "proxy", "restart", "busy"]) {
      let perhaps = 0;
      for (let number = 2; number <= count; number += 1) {
        const all = fixture({ features, fault: (at) => (at === number ? kind : undefined) });
        const outcomes = await all.clock.run(all.client.open().then(() => work(all)).catch((error) => {
          // The first connection is not tried again.
          assert.ok(all.states.length <= 3 && error instanceof MailError, `${error.stack}`);
          return null;
        }));
        if (outcomes) check(all, outcomes, `${kind} ${number}`);
        perhaps += (outcomes ?? []).filter(([, outcome]) => outcome === "perhaps").length;
        // What is numbered can be asked for again: nothing is lost, and nobody logs in again.
        if (features.length > 0 && kind !== "restart") {
          assert.ok(outcomes.every(([, outcome]) => outcome === "done"), `${kind} ${number}`);
          assert.equal(all.bridge.log.filter((line) => line.startsWith("AUTHENTICATE")).length, 1);
        }
      }
      if (kind === "busy") assert.equal(perhaps, 0);
    }
  });
}

test("requests that the network repeats are done once, if they are numbered", async () => {
  const all = fixture({ fault: (number, kind) => (kind === "send" || kind === "receive" ? "twice" : undefined) });
  const outcomes = await all.clock.run(all.client.open().then(() => work(all)));
  assert.ok(outcomes.every(([, outcome]) => outcome === "done"));
  check(all, outcomes, "twice");
});

test("octets that come again are taken once, and a gap between them ends the connection", async () => {
  const heard = await Promise.all([0, -7, -200].map(async (offset) => {
    const responses = [];
    const all = fixture({ onResponse: (response) => responses.push(response) });
    all.bridge.offset = offset;
    const outcomes = await all.clock.run(all.client.open().then(() => work(all)));
    assert.ok(outcomes.every(([, outcome]) => outcome === "done"));
    check(all, outcomes, `${offset}`);
    return responses;
  }));
  assert.equal(heard[0].length, 6);
  assert.deepEqual(heard[1], heard[0]);
  assert.deepEqual(heard[2], heard[0]);
  const { clock, bridge, client, states } = fixture();
  await clock.run((async () => {
    await client.open();
    bridge.offset = 2;
    const waiting = client.status("INBOX");
    clock.world.setTimeout(() => { bridge.offset = 0; }, 1500);
    await waiting;
  })());
  assert.ok(states.includes("waiting"));
});

test("a question that ends every connection is not asked for ever", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    await assert.rejects(client.status("deadly"), ConnectionLostError);
    await client.command("NOOP");
  })());
  assert.equal(bridge.log.filter((line) => line.startsWith("STATUS")).length, 3);
});

test("a network that loses every other request", async () => {
  const all = fixture({ fault: (number, kind) => (kind === "open" ? undefined : ["request", undefined, "response", undefined, "cut", undefined][number % 6]) });
  const outcomes = await all.clock.run(all.client.open().then(() => work(all)));
  assert.ok(outcomes.every(([, outcome]) => outcome === "done"));
  check(all, outcomes, "bad network");
});

test("a WebSocket that is cut, wherever", async () => {
  const outcomesOfAll = new Set();
  for (let cut = 0; cut < 60; cut += 1) {
    const all = fixture({ features: [...ALL, "ws"], transport: "auto" });
    all.bridge.cutAfter = cut;
    const outcomes = await all.clock.run(all.client.open().then(() => work(all)).catch((error) => {
      assert.ok(cut < 8 && error instanceof MailError, `${cut} ${all.states} ${all.bridge.log.join("; ")} ${error.stack}`);
      return null;
    }));
    if (outcomes) check(all, outcomes, `cut after ${cut}`);
    for (const [, outcome] of outcomes ?? []) outcomesOfAll.add(outcome);
  }
  assert.deepEqual([...outcomesOfAll].sort(), ["done", "perhaps"]);
});

test("while requests fail and are repeated, it says so", async () => {
  const told = [];
  let isDown = false;
  const { clock, client } = fixture({ fault: () => (isDown ? "request" : undefined), onState: (state, { error }) => told.push(`${state} ${error?.name ?? ""}`) });
  await clock.run((async () => {
    await client.open();
    isDown = true;
    const command = client.command("NOOP");
    await new Promise((resolve) => clock.world.setTimeout(resolve, 20000));
    isDown = false;
    await command;
  })());
  const last = told.lastIndexOf("open ConnectionLostError");
  assert.deepEqual([told[0], told[1], told[2]], ["connecting ", "open ", "open ConnectionLostError"]);
  assert.ok(last > 1 && told[last + 1] === "open ", `${told}`);
});

test("where WebSockets do not open, it polls", async () => {
  const { clock, bridge, client } = fixture({ features: [...ALL, "ws"], transport: "auto" });
  bridge.refusesSockets = true;
  await clock.run(client.open().then(() => client.command("NOOP")));
  assert.ok(bridge.requests > 4);
  assert.equal(bridge.sessions.size, 1);
});

test("after a lost connection it logs in, selects, and goes on", async () => {
  const { clock, bridge, client, states } = fixture();
  const events = [];
  await clock.run((async () => {
    await client.open();
    await client.select("INBOX");
    const reading = (async () => { for await (const event of client.idle()) events.push(event.name, event.isSame); })();
    const slow = client.command("SLOW");
    await client.command("NOOP");
    bridge.restart();
    await assert.rejects(slow, (error) => error instanceof ConnectionLostError && error.mayHaveHappened);
    await client.command(flag(1));
    await client.close();
    await reading;
  })());
  assert.deepEqual(states, ["connecting", "open", "waiting", "connecting", "open", "closed"]);
  assert.deepEqual(events, ["RECONNECTED", true]);
  assert.deepEqual(bridge.done, [flag(1)]);
  assert.equal(bridge.log.filter((line) => line.startsWith("SELECT")).length, 2);
});

test("UIDs of a mailbox that was made anew, and message numbers, do not reach another connection", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    await client.select("INBOX");
    const never = (promise) => assert.rejects(promise, (error) => error instanceof ConnectionLostError && !error.mayHaveHappened);
    const slow = assert.rejects(client.command("SLOW"));
    await client.command("NOOP");
    // Waits for the slow one, for message numbers are not to change meanwhile.
    const waiting = [never(client.command("STORE 1 +FLAGS (x)")), never(client.command(flag(3)))];
    bridge.uidValidity = 2;
    bridge.restart();
    await Promise.all([slow, ...waiting]);
    assert.equal(client.mailbox.uidValidity, 2);
    await client.command(flag(4));
  })());
  assert.deepEqual(bridge.done, [flag(4)]);
});

test("a refused login is final, and told", async () => {
  const { clock, bridge, client } = fixture();
  bridge.refusesLogin = true;
  await assert.rejects(clock.run(client.open()), (error) => error instanceof AuthenticationError && error.code.name === "AUTHENTICATIONFAILED");
  assert.equal(client.state, "closed");
  bridge.refusesLogin = false;
  await clock.run((async () => {
    await client.open();
    const events = client.idle();
    bridge.refusesLogin = true;
    bridge.restart();
    await assert.rejects(events.next(), AuthenticationError);
    await assert.rejects(client.command("NOOP"), ConnectionLostError);
  })());
  assert.equal(client.state, "closed");
});

test("it logs in with a password or a token, as the server likes it", async () => {
  const { user } = credentials;
  const plain = Buffer.from(`\0${user}\0secret`).toString("base64");
  const token = Buffer.from(`n,a=${user},\x01auth=Bearer t0k3n\x01\x01`).toString("base64");
  const cases = [
    // What the server greets with, and asks; the credentials; what it gets.
    ["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi", "", credentials, [`AUTHENTICATE PLAIN`, plain, "CAPABILITY"]],
    ["* OK hi", "", () => Promise.resolve(credentials), ["CAPABILITY", "AUTHENTICATE PLAIN", plain, "CAPABILITY"]],
    ["* OK [CAPABILITY IMAP4rev1 LITERAL+] hi", undefined, { user, password: 'a"\u00fc' }, [`LOGIN "${user}" {4+}\r\na"\xc3\xbc`, "CAPABILITY"]],
    ["* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER] hi", undefined, { user, token: "t0k3n" },
      [`AUTHENTICATE OAUTHBEARER ${token}`, "ENABLE IMAP4rev2"]],
    ["* PREAUTH [CAPABILITY IMAP4rev2] hi", undefined, undefined, ["ENABLE IMAP4rev2"]],
  ];
  for (const [greeting, challenge, given, expected] of cases) {
    const { clock, bridge, client } = fixture({ credentials: given });
    Object.assign(bridge, { greeting, challenges: challenge === undefined ? undefined : challenge || " " });
    await clock.run(client.open());
    assert.deepEqual(bridge.log, expected, greeting);
  }
  const refused = [
    ["* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER] hi", "eyJzdGF0dXMiOiI0MDEifQ==", { user, token: "old" }, AuthenticationError],
    ["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi", undefined, credentials, /not encrypted/],
    ["* BYE full", undefined, credentials, /full/],
    ["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi", undefined, { user: "a\0b", password: "" }, TypeError],
  ];
  for (const [greeting, challenges, given, error] of refused) {
    const { clock, bridge, client } = fixture({ credentials: given });
    Object.assign(bridge, { greeting, challenges });
    await assert.rejects(clock.run(client.open()), error, greeting);
  }
});

test("it tries to connect again, more and more seldom, until it is closed", async () => {
  let isDown = false;
  const delays = [];
  const all = fixture({ fault: () => (isDown ? "request" : undefined), onState: (state, { delay }) => delay && delays.push(delay) });
  await all.clock.run((async () => {
    await all.client.open();
    isDown = true;
    all.bridge.restart();
    const waiting = all.client.command("NOOP");
    await new Promise((resolve) => all.clock.world.setTimeout(resolve, 600000));
    assert.ok(delays.length > 8 && delays.length < 25, `${delays}`);
    assert.ok(Math.max(...delays) <= 60000 && delays[1] > delays[0]);
    isDown = false;
    all.client.reconnectNow();
    await waiting;
    isDown = true;
    all.bridge.restart();
    const last = assert.rejects(all.client.command(flag(1)), ConnectionLostError);
    await all.client.close();
    await last;
  })());
  assert.deepEqual(all.bridge.done, []);
});

test("commands that must not be on their way together are not", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    bridge.log.length = 0;
    const all = [client.command("SLOW"), client.status("a"), client.command("FETCH 1 FLAGS"), client.command("NOOP")];
    await new Promise((resolve) => all[1].finally(resolve));
    assert.deepEqual(bridge.log.map((line) => line.split(" ")[0]), ["SLOW", "STATUS"]);
    bridge.slow.shift()();
    await Promise.all(all);
    assert.deepEqual(bridge.log.map((line) => line.split(" ")[0]), ["SLOW", "STATUS", "FETCH", "NOOP"]);
  })());
});

test("literals wait where the server must be asked, and are not sent if it refuses", async () => {
  const { clock, bridge, client } = fixture();
  bridge.withLiterals = false;
  await clock.run((async () => {
    await client.open();
    const big = octets("x".repeat(5000));
    await Promise.all([client.append("Sent", big), client.command("NOOP"), client.command(imap`X ${octets("a")} ${big} b`)]);
    await client.close();
  })());
  assert.ok(bridge.done[0].endsWith("x"));
  assert.ok(bridge.log.some((line) => line.startsWith("X {1+}\r\na {5000}\r\n") && line.endsWith("x b")));
});

test("nobody waits for what was given up, and what was not sent is not done", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    const abort = new AbortController();
    const slow = client.command("SLOW", { signal: abort.signal });
    await client.command("NOOP");
    const waiting = client.command("SLOW", { signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(slow, /enough/);
    await assert.rejects(waiting, /enough/);
    await assert.rejects(client.command("NOOP", { signal: abort.signal }), /enough/);
    await client.command("NOOP");
    assert.equal(bridge.log.filter((line) => line === "SLOW").length, 1);
  })());
});

test("a silent server is left", async () => {
  const { clock, client, states } = fixture();
  await clock.run((async () => {
    await client.open();
    await assert.rejects(client.command("SLOW"), (error) => error instanceof ConnectionLostError && error.mayHaveHappened);
  })());
  assert.ok(states.includes("waiting"));
});

test("responses beyond the limit fail their command, and only that", async () => {
  const { clock, bridge, client } = fixture({ maxResponse: 2000 });
  await clock.run((async () => {
    await client.open();
    const slow = client.command("SLOW");
    await client.command("NOOP");
    const [session] = bridge.sessions.values();
    session.say(`* 1 FETCH (UID 1 BODY[] {5000}\r\n${"x".repeat(5000)})`);
    bridge.slow.shift()();
    await assert.rejects(slow, ResponseTooLargeError);
    const many = client.command("SLOW");
    await client.command("NOOP");
    for (let count = 0; count < 200; count += 1) session.say(`* ${count} FETCH (FLAGS ())`);
    bridge.slow.shift()();
    await assert.rejects(many, ResponseTooLargeError);
    await client.command("NOOP");
  })());
});

test("idling tells what happens, ends with DONE, and is renewed", async () => {
  const { clock, bridge, client } = fixture({ idleRenewal: 600000 });
  await clock.run((async () => {
    await client.open();
    await client.select("INBOX");
    const [session] = bridge.sessions.values();
    const seen = [];
    bridge.log.length = 0;
    clock.world.setTimeout(() => session.say("* 4 EXISTS"), 1000);
    clock.world.setTimeout(() => session.say("* 2 EXPUNGE"), 1900000);
    for await (const { name, number } of client.idle()) {
      seen.push(name, number, client.mailbox.exists);
      // While it goes on, other things can be done.
      assert.deepEqual(await client.search("ALL"), [1, 2, 3]);
      if (name === "EXPUNGE") break;
    }
    assert.deepEqual(seen, ["EXISTS", 4, 4, "EXPUNGE", 2, 3]);
    assert.equal(session.idles, null);
    const idles = bridge.log.filter((line) => line === "IDLE").length;
    assert.ok(idles >= 4 && idles <= 7, `${idles}`);
    await client.command("NOOP");
  })());
});

test("what follows the answer to SELECT is of the mailbox that was selected", async () => {
  const { clock, bridge, client } = fixture();
  bridge.behindSelect = "* 4 EXISTS";
  await clock.run((async () => {
    await client.open();
    assert.equal((await client.select("INBOX")).exists, 4);
    bridge.restart();
    await client.command("NOOP");
    assert.equal(client.mailbox.exists, 4);
    await client.unselect();
    assert.equal(client.mailbox, null);
  })());
});

test("without IDLE it asks from time to time", async () => {
  const { clock, bridge, client } = fixture();
  bridge.refusesIdle = true;
  await clock.run((async () => {
    await client.open();
    const events = client.idle();
    const [session] = bridge.sessions.values();
    clock.world.setTimeout(() => session.say("* 4 EXISTS"), 100000);
    assert.equal((await events.next()).value.number, 4);
    await events.return();
    assert.deepEqual(bridge.log.slice(2).join(), "IDLE,NOOP,NOOP,NOOP");
  })());
});

test("closed while it connects, or before it ever could", async () => {
  const one = fixture();
  const opening = assert.rejects(one.client.open(), ConnectionLostError);
  const early = assert.rejects(one.client.command("NOOP"), ConnectionLostError);
  await one.clock.run(Promise.all([one.client.close(), opening, early]));
  assert.equal(one.client.state, "closed");
  const again = fixture();
  await again.clock.run((async () => {
    const first = assert.rejects(again.client.open(), ConnectionLostError);
    await Promise.all([again.client.close(), again.client.open(), first]);
    await again.client.command("NOOP");
    assert.equal(again.bridge.sessions.size, 1);
  })());
  const other = fixture({ fault: () => "request" });
  const waiting = assert.rejects(Promise.all([other.client.open(), other.client.command("NOOP")]), ConnectionLostError);
  await other.clock.run(waiting);
  assert.deepEqual([other.client.state, one.bridge.sessions.size], ["closed", 0]);
});

test("who does not read what happens is told that it was too much", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    const events = client.idle();
    const [session] = bridge.sessions.values();
    for (let count = 1; count <= 2500; count += 1) session.say(`* ${count} EXISTS`);
    await client.command("NOOP");
    const first = await events.next();
    assert.equal(first.value.name, "OVERFLOW");
    await events.return();
    assert.deepEqual(await events.next(), { done: true, value: undefined });
  })());
});

test("no value becomes another command", async () => {
  const { clock, bridge, client } = fixture();
  await clock.run((async () => {
    await client.open();
    bridge.log.length = 0;
    const hostile = 'a"\r\nx UID STORE 1 +FLAGS (evil)\r\n{5}';
    await client.search(imap`SUBJECT ${hostile} TO ${'q"\\'} BODY ${"\u00fc"}`);
    await client.status(hostile);
    await client.command(imap`X ${[1, "two", atom("\\Seen"), null, ["n", 2n]]}`);
  })());
  assert.deepEqual(bridge.done, []);
  assert.equal(bridge.log.length, 3);
  assert.ok(bridge.log[0].includes('TO "q\\"\\\\" BODY {2+}'));
  assert.equal(bridge.log[2], 'X (1 "two" \\Seen NIL ("n" 2))');
  for (const wrong of ["a b", "", "a\r\nb", "{3}", "\u00fc", 'a"']) assert.throws(() => atom(wrong), TypeError, wrong);
  assert.throws(() => new Command(["NOOP\r\nx"]), TypeError);
  assert.throws(() => client.command("SELECT INBOX"), /use select/);
  assert.throws(() => imap`X ${{}}`, TypeError);
  assert.throws(() => imap`X ${-1}`, TypeError);
});

test("only questions are repeatable", () => {
  for (const yes of ["NOOP", "UID FETCH 1 (BODY.PEEK[] FLAGS RFC822.SIZE RFC822.HEADER BINARY.PEEK[1] BINARY.SIZE[1])", "uid search all", "LIST \"\" *", "STATUS a (X)"]) {
    assert.ok(isRepeatable(new Command([yes])), yes);
  }
  for (const no of ["UID FETCH 1 BODY[]", "UID FETCH 1 (BINARY[1])", "UID FETCH 1 RFC822", "UID FETCH 1 rfc822.text", "UID SEARCH RETURN (SAVE) ALL", "UID STORE 1 FLAGS ()",
    "APPEND a {1+}", "FETCH 1 FLAGS", "UID MOVE 1 b", "EXPUNGE", "X"]) {
    assert.ok(!isRepeatable(new Command([no])), no);
  }
});

test("a refused command says why", async () => {
  const { clock, client } = fixture();
  await clock.run((async () => {
    await client.open();
    await assert.rejects(client.command("REFUSED"), (error) =>
      error instanceof CommandError && error.status === "NO" && error.code.name === "LIMIT" && error.text === "no" && error.name === "CommandError");
    await assert.rejects(client.open(), MailError);
  })());
});

test("sending: refused, lost, and repeated only under a key", async () => {
  const message = octets("Subject: x\r\n\r\n.\r\n");
  const envelope = { from: "ann@example.org", to: "bob@example.org" };
  const { clock, bridge, client } = fixture();
  assert.equal((await clock.run(client.send(message, envelope))).enhancedCode, "2.0.0");
  assert.ok(bridge.batches[0].text.endsWith("DATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n"));
  bridge.replies = "220 hi\r\n250 me\r\n235 in\r\n250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n";
  await assert.rejects(clock.run(client.send(message, envelope)), (error) =>
    error instanceof SMTPError && error.code === 550 && error.enhancedCode === "5.1.1" && error.command === "RCPT TO:<bob@example.org>");
  bridge.replies = "220 hi\r\n250 me\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n";
  await assert.rejects(clock.run(client.send(message, envelope)), (error) => error instanceof ConnectionLostError && error.mayHaveHappened);
  bridge.replies = "220 hi\r\n250 me\r\n";
  await assert.rejects(clock.run(client.send(message, envelope)), (error) => error instanceof ConnectionLostError && !error.mayHaveHappened);
  bridge.replies = "220 hi\r\n250 me\r\n334 eyJ9\r\n535 5.7.8 no\r\n";
  await assert.rejects(clock.run(client.send(message, envelope)), (error) => error instanceof SMTPError && error.command === "AUTH");
  const perhaps = (error) => error instanceof ConnectionLostError && error.mayHaveHappened;
  const outcomes = [
    // What the bridge can do besides, what becomes of each request, and of the message.
    [[], ["response"], perhaps, 1], [[], ["busy", "busy"], 250, 1], [[], ["proxy"], perhaps, 1], [[], ["request"], perhaps, 0],
    [[], Array(9).fill("busy"), (error) => error.reason === "busy", 0],
    [["idempotency"], ["response", "proxy", "cut", "request"], 250, 1], [["idempotency"], ["response", ...Array(9).fill("busy")], perhaps, 1],
    [["idempotency"], Array(9).fill("response"), perhaps, 1], [["idempotency"], ["unfinished", "unfinished"], 250, 1],
    [["idempotency"], Array(9).fill("unfinished"), perhaps, 0],
  ];
  for (const [more, faults, outcome, times] of outcomes) {
    const left = [...faults];
    const all = fixture({ features: [...ALL, ...more], fault: (number, kind) => (kind === "smtp" ? left.shift() : undefined) });
    const sent = all.clock.run(all.client.open().then(() => all.client.send(message, { ...envelope, key: "k" })));
    if (outcome === 250) assert.equal((await sent).code, 250);
    else await assert.rejects(sent, outcome, `${more} ${faults}`);
    assert.equal(all.bridge.batches.length, times, `${more} ${faults}`);
  }
});

for (const transport of ["polling", "websocket"]) {
  test(`a page that is left ends its connection, and only that: ${transport}`, async () => {
    const { clock, bridge, client } = fixture({ transport, features: [...ALL, "ws"] });
    await clock.run(client.open());
    assert.deepEqual([bridge.sessions.size, bridge.leaving.size], [1, 1]);
    for (const leave of bridge.leaving) leave();
    assert.equal(bridge.sessions.size, 0);
    await clock.run(client.close());
    assert.equal(bridge.leaving.size, 0);
  });
}
