// SPDX-License-Identifier: Apache-2.0
// A small mail client on letterhouse.js: log in, see mail arrive, read, reply. What mail holds is shown as text only.
import { composeMessage, MailClient, partsOf, replyTo } from "./letterhouse.js";

const at = (id) => document.getElementById(id);
const say = (text) => { at("status").textContent = text; };
const newest = 100;
const lost = "No connection. It is tried again by itself …";
let [mail, me, chosen] = [null, "", null];
let rows = new Map();

at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  me = at("user").value;
  const onState = (state, { error }) => say({ connecting: "Connecting …", open: error ? lost : me, waiting: lost }[state] ?? "");
  mail = new MailClient({ credentials: { user: me, password: at("password").value }, onState });
  try {
    await mail.open();
    await mail.select("INBOX");
    at("password").value = "";
    [at("login").hidden, at("mail").hidden, at("out").hidden] = [true, false, false];
    const news = mail.idle();
    await refresh();
    for await (const { name } of news) if (!["OK", "FLAGS"].includes(name)) await refresh();
  } catch (error) {
    await mail.close();
    say(error.message);
  }
});
at("out").addEventListener("click", () => mail.close().then(() => location.reload()));
addEventListener("online", () => mail?.reconnectNow());

/** Shows what is in the mailbox now, newest first. */
async function refresh() {
  const uids = (await mail.search("ALL")).slice(-newest);
  const items = ["FLAGS", "ENVELOPE", "INTERNALDATE", "BODYSTRUCTURE", ...(mail.capabilities.has("PREVIEW") ? ["PREVIEW"] : [])];
  const messages = await mail.fetch(uids, items);
  const before = rows;
  rows = new Map(messages.reverse().map((message) => [message.uid, rowOf(message, before.get(message.uid))]));
  if ([...rows.values()].some((row, index) => row !== at("list").children[index]) || rows.size !== at("list").children.length) {
    const focused = document.activeElement;
    at("list").replaceChildren(...rows.values());
    focused.focus();
  }
  document.title = `Mail (${messages.filter(({ flags }) => !flags.includes("\\Seen")).length})`;
}

function rowOf(message, row = document.createElement("li")) {
  const button = row.firstChild ?? row.appendChild(document.createElement("button"));
  const { envelope: { from, subject }, internalDate, preview } = message;
  button.replaceChildren(...[from[0]?.name || from[0]?.address || "Nobody", day(internalDate), subject || "(no subject)", preview ?? ""].map((text) =>
    Object.assign(document.createElement("span"), { textContent: text })));
  button.className = message.flags.includes("\\Seen") ? "" : "new";
  button.onclick = () => open(message).catch((error) => say(error.message));
  return row;
}

const day = (date) => date?.toLocaleString([], new Date() - date < 72e6 ? { timeStyle: "short" } : { dateStyle: "medium" }) ?? "";

async function open(message) {
  const { uid, envelope, bodyStructure } = chosen = message;
  for (const [other, row] of rows) row.firstChild.setAttribute("aria-current", `${other === uid}`);
  const { text } = await mail.fetchText(uid);
  if (chosen !== message) return;
  at("subject").textContent = envelope.subject || "(no subject)";
  at("from").textContent = envelope.from.map(({ name, address }) => (name ? `${name} <${address}>` : address)).join(", ");
  at("date").textContent = message.internalDate?.toLocaleString() ?? "";
  at("text").textContent = text;
  at("files").replaceChildren(...[...partsOf(bodyStructure)].filter(({ fileName }) => fileName).map((part) => {
    const button = Object.assign(document.createElement("button"), { textContent: part.fileName });
    button.onclick = async () => {
      const href = URL.createObjectURL(new Blob([await mail.fetchPart(uid, part)], { type: "application/octet-stream" }));
      Object.assign(document.createElement("a"), { href, download: part.fileName }).click();
    };
    return button;
  }));
  at("to").textContent = `To ${replyTo(envelope).to.map(({ address }) => address).join(", ")}`;
  at("answer").value = "";
  [at("message").hidden, at("none").hidden] = [false, true];
  at("message").focus();
  if (!message.flags.includes("\\Seen")) await mail.store(uid, "+", ["\\Seen"]);
  await refresh();
}

at("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [{ uid, envelope }, button] = [chosen, event.submitter];
  button.disabled = true;
  try {
    const reply = replyTo(envelope);
    const message = composeMessage({ from: me, ...reply, text: at("answer").value });
    await mail.send(message, { from: me, to: reply.to.map(({ address }) => address) });
    say("Your reply was sent.");
    if (chosen?.uid === uid) at("answer").value = "";
    await mail.store(uid, "+", ["\\Answered"]);
    await mail.append("Sent", message, { flags: ["\\Seen"] });
  } catch (error) {
    say(error.mayHaveHappened ? "The connection was lost: your reply may have been sent." : error.message);
  } finally {
    button.disabled = false;
  }
});
