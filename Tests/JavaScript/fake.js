// SPDX-License-Identifier: Apache-2.0
// A bridge with a small IMAP server behind it, in memory, on a clock of its own; requests are lost where a test says so.

import { octets, text } from "./support.js";

/** Time that goes on when nobody has anything left to do. */
export class Clock {
  #now = 0;
  #timers = new Map();
  #count = 0;

  world = {
    now: () => this.#now,
    setTimeout: (action, milliseconds) => {
      this.#timers.set(++this.#count, { at: this.#now + milliseconds, action });
      return this.#count;
    },
    clearTimeout: (timer) => this.#timers.delete(timer),
    random: () => 0.5,
  };

  get now() { return this.#now; }

  /** Lets time go by until the promise is settled; what would wait for ever is an error. */
  async run(promise, limit = 3600000) {
    let isSettled = false;
    const settle = () => { isSettled = true; };
    promise.then(settle, settle);
    for (;;) {
      for (let turn = 0; turn < 4 && !isSettled; turn += 1) await new Promise(setImmediate);
      if (isSettled) return promise;
      const [timer, next] = [...this.#timers].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
      if (!next || next.at > limit) throw new Error(`nothing happens any more, at ${this.#now} ms`);
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
  }
}

/** An IMAP session that knows as much as the tests need; `done` is what was done, of all sessions. */
class Session {
  output = [];
  sent = 0;
  input = "";
  isClosed = false;
  idles = null;
  wake = () => {};

  constructor(bridge) {
    this.bridge = bridge;
    this.say(bridge.greeting ?? `* OK [CAPABILITY IMAP4rev2 SASL-IR AUTH=PLAIN${bridge.withLiterals ? " LITERAL+" : ""} ENABLE IDLE] ready`);
  }

  say(line) {
    this.output.push(octets(`${line}\r\n`));
    this.wake();
  }

  hear(body) {
    this.input += Buffer.from(body).toString("latin1");
    for (;;) {
      // As far as a command with its literals goes.
      let [end, isComplete] = [0, false];
      for (;;) {
        const line = this.input.indexOf("\r\n", end);
        if (line < 0) break;
        const literal = /~?\{(\d+)(\+?)\}$/.exec(this.input.slice(0, line));
        if (!literal) {
          [end, isComplete] = [line + 2, true];
          break;
        }
        if (!literal[2] && this.asked !== line) {
          this.asked = line;
          this.say("+ go on");
        }
        end = line + 2 + Number(literal[1]);
        if (this.input.length < end) break;
      }
      if (!isComplete) return;
      const line = this.input.slice(0, end - 2);
      this.input = this.input.slice(end);
      this.asked = undefined;
      this.command(line);
    }
  }

  command(line) {
    if (this.idles !== null) {
      this.say(line === "DONE" ? `${this.idles} OK IDLE completed` : `${this.idles} BAD expected DONE, not ${line}`);
      this.idles = null;
      return;
    }
    if (this.challenged) {
      this.bridge.log.push(line);
      this.say(line === "AQ==" || line === "*" ? `${this.challenged} NO [AUTHENTICATIONFAILED] no` : `${this.challenged} OK in`);
      this.challenged = null;
      return;
    }
    const [, tag, rest] = /^(\S+) (.*)$/s.exec(line) ?? [null, "*", ""];
    const name = /^(?:UID )?\S+/.exec(rest)?.[0];
    this.bridge.log.push(rest);
    const { bridge } = this;
    switch (name) {
      case "AUTHENTICATE":
        if (bridge.challenges) {
          this.challenged = tag;
          return this.say(`+ ${bridge.challenges}`);
        }
        if (bridge.refusesLogin) return this.say(`${tag} NO [AUTHENTICATIONFAILED] no`);
        return this.say(`${tag} OK [CAPABILITY IMAP4rev2 ENABLE IDLE${bridge.withLiterals ? " LITERAL+" : ""}] in`);
      case "SELECT":
        this.say("* 3 EXISTS");
        this.say(`* OK [UIDVALIDITY ${bridge.uidValidity}] valid`);
        return this.say(`${tag} OK [READ-WRITE] selected${bridge.behindSelect ? `\r\n${bridge.behindSelect}` : ""}`);
      case "CAPABILITY":
        this.say("* CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN");
        return this.say(`${tag} OK`);
      case "IDLE":
        if (bridge.refusesIdle) return this.say(`${tag} NO not here`);
        this.idles = tag;
        return this.say("+ idling");
      case "UID STORE":
      case "APPEND":
        bridge.done.push(rest);
        return this.say(`${tag} OK done`);
      case "UID SEARCH":
        this.say(`* ESEARCH (TAG "${tag}") UID ALL 1:3`);
        return this.say(`${tag} OK found`);
      case "UID FETCH":
        this.say("* 1 FETCH (UID 7 BODY[] {12}\r\nSubject: x\r\n)");
        return this.say(`${tag} OK fetched`);
      case "SLOW":
        bridge.slow.push(() => this.say(`${tag} OK at last`));
        return;
      case "LOGOUT":
        this.say("* BYE bye");
        this.say(`${tag} OK out`);
        this.isClosed = true;
        return this.wake();
      case "STATUS":
        if (rest.includes("deadly")) return this.bridge.restart();
        return this.say(`${tag} OK STATUS`);
      case "REFUSED":
        return this.say(`${tag} NO [LIMIT] no`);
      default:
        return this.say(`${tag} OK ${name}`);
    }
  }
}

const answer = (status, body = new Uint8Array(0), headers = {}) => ({ status, body, headers });
const refused = (status, word, headers) => answer(status, octets(word), { "Bridge-Error": word, ...headers });

export class Bridge {
  log = [];
  done = [];
  slow = [];
  requests = 0;
  uidValidity = 1;
  refusesLogin = false;
  withLiterals = true;
  sessions = new Map();
  /** What is done when the page is left. */
  leaving = new Set();
  batches = [];
  #count = 0;

  /**
   * @param {Clock} clock
   * @param {string[]} features
   * @param {(number: number, kind: string) => string | undefined} fault what becomes of a request: "request" is lost, its
   *   "response" is, it comes "twice", the "restart" of the server comes before it, the response is "cut", or it is a proxy's
   */
  constructor(clock, features = [], fault = () => undefined) {
    Object.assign(this, { clock, features: new Set(features), fault });
    const onLeave = (action) => {
      this.leaving.add(action);
      return () => this.leaving.delete(action);
    };
    this.world = { ...clock.world, fetch: this.fetch.bind(this), WebSocket: this.webSocket(), onLeave };
  }

  restart() {
    for (const session of this.sessions.values()) {
      session.isClosed = true;
      session.output = [];
      session.isGone = true;
      session.wake();
      session.superseded?.();
    }
    this.sessions.clear();
  }

  open() {
    const id = (++this.#count).toString(16).padStart(16, "0");
    this.sessions.set(id, Object.assign(new Session(this), { id, numbers: 0, kept: [], first: 0 }));
    return id;
  }

  async fetch(url, { body, headers, signal }) {
    const { pathname, searchParams } = new URL(url);
    const kind = pathname === "/imap/" ? "open" : pathname.startsWith("/smtp") ? "smtp" : searchParams.has("close") ? "close" : body ? "send" : "receive";
    this.requests += 1;
    const fault = this.fault(this.requests, kind);
    const lost = () => new TypeError("fetch failed");
    if (fault === "restart") this.restart();
    if (fault === "request") throw lost();
    if (fault === "busy") return this.#response(refused(503, "busy", { "Retry-After": "2" }));
    if (fault === "unfinished") return this.#response(refused(409, "unfinished"));
    let done = this.#handle(kind, pathname, body, headers, signal);
    if (fault === "twice") {
      // The network has repeated it; the client sees the second answer.
      if (kind !== "receive") await done;
      done = this.#handle(kind, pathname, body, headers, signal);
    }
    const aborted = new Promise((_, reject) => {
      if (signal?.aborted) reject(lost());
      signal?.addEventListener("abort", () => reject(lost()));
    });
    const result = await Promise.race([done, aborted]);
    if (fault === "response") throw lost();
    if (fault === "proxy") return this.#response(answer(502, octets("Bad gateway")));
    return this.#response(result, fault === "cut");
  }

  #response({ status, body, headers }, isCut = false) {
    const stream = new ReadableStream({
      start(controller) {
        if (body.length > 0) controller.enqueue(isCut ? body.subarray(0, body.length / 2) : body);
        if (isCut) controller.error(new TypeError("terminated"));
        else controller.close();
      },
    });
    return new Response(status === 204 ? null : stream, { status, headers });
  }

  async #handle(kind, pathname, body, headers, signal) {
    if (kind === "open") {
      const features = this.features.size > 0 ? { "Bridge-Features": [...this.features].join(" ") } : {};
      return answer(200, octets(this.open()), features);
    }
    if (kind === "smtp") return this.#smtp(body, headers);
    const session = this.sessions.get(pathname.split("/")[2]);
    if (!session) return refused(404, "no-session");
    if (kind === "close") {
      this.sessions.delete(session.id);
      return answer(204);
    }
    if (kind === "receive") return this.#receive(session, headers, signal);
    if (session.isClosed) return refused(410, "closed");
    const number = Number(headers["Bridge-Seq"]);
    if (this.features.has("seq") && number <= session.numbers) return answer(200);
    if (this.features.has("seq") && number > session.numbers + 1) return refused(409, "seq-gap");
    session.numbers += 1;
    session.hear(body);
    return answer(200);
  }

  async #receive(session, headers, signal) {
    session.superseded?.();
    let isOver = false;
    const over = new Promise((resolve) => {
      const stop = () => {
        isOver = true;
        resolve();
      };
      session.superseded = stop;
      signal.addEventListener("abort", stop);
      this.clock.world.setTimeout(stop, 60000);
    });
    const known = Number(headers["Bridge-Ack"] ?? session.sent);
    for (;;) {
      if (session.isGone) return refused(404, "no-session");
      const all = Buffer.concat([...session.kept, ...session.output]);
      session.kept = [all];
      session.output = [];
      const rest = all.subarray(known - session.first);
      if (isOver && !signal.aborted) return answer(200, new Uint8Array(0));
      if (isOver) return answer(200);
      if (rest.length > 0) {
        session.sent = session.first + all.length;
        // The original forgets what it has given.
        session.kept = this.features.has("ack") ? [all] : [];
        session.first = this.features.has("ack") ? session.first : session.sent;
        // What was acknowledged may come again, and what was lost may be said to be.
        const from = Math.max(0, known + (this.offset ?? 0));
        const octets = new Uint8Array(all.subarray(from - session.first));
        return answer(200, octets, this.features.has("ack") ? { "Bridge-Offset": `${from}-${session.sent - 1}` } : {});
      }
      if (session.isClosed) return refused(410, "closed");
      await Promise.race([over, new Promise((resolve) => { session.wake = resolve; })]);
    }
  }

  #smtp(body, headers) {
    const key = headers["Idempotency-Key"];
    if (!this.features.has("idempotency") || !this.batches.some((batch) => batch.key === key)) this.batches.push({ key, text: text(body) });
    return answer(200, octets(this.replies ?? "220 hi\r\n250-me\r\n250 AUTH\r\n235 2.7.0 in\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 kept\r\n221 bye\r\n"));
  }

  /** WebSockets to this bridge; `cutAfter` messages, either way, they are gone. */
  webSocket() {
    const bridge = this;
    return class extends EventTarget {
      readyState = 0;

      constructor(url, subprotocol) {
        super();
        Object.assign(this, { url, subprotocol });
        queueMicrotask(() => this.#open());
      }

      #open() {
        this.session = bridge.sessions.get(new URL(this.url).pathname.split("/")[2]);
        if (!this.session || bridge.refusesSockets || this.subprotocol !== "imap-bridge.v1") return this.#end(1006, true);
        this.readyState = 1;
        this.dispatchEvent(new Event("open"));
        const pass = () => {
          while (this.readyState === 1 && this.session.output.length > 0) {
            const data = this.session.output.shift();
            if (this.#isCut()) return this.#end(1006, true);
            this.dispatchEvent(Object.assign(new Event("message"), { data: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) }));
          }
          if (this.session.isClosed) this.#end(1000);
        };
        this.session.wake = () => queueMicrotask(pass);
        pass();
      }

      #isCut() { return bridge.cutAfter !== undefined && bridge.cutAfter-- === 0; }

      #end(code, isError = false) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        if (isError) this.dispatchEvent(new Event("error"));
        this.dispatchEvent(Object.assign(new Event("close"), { code }));
      }

      send(data) {
        if (this.#isCut()) return void queueMicrotask(() => this.#end(1006, true));
        const copy = new Uint8Array(data);
        queueMicrotask(() => this.session.hear(copy));
      }

      close() { this.#end(1000); }
    };
  }
}
