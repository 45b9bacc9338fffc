/* Clients: each is a live subscription. Finding them, and one of them. */

const nameOf = name => name === undefined ? NONE : shown(name);
/* Where there are several nodes, it says at which of them. */
const transportOf = row => row.node === undefined ? shown(row.transport) : `${shown(row.transport)} at ${shown(row.node)}`;
const followed = selectors => selectors.length > 2 ? `${selectors.slice(0, 2).map(shown).join(", ")} and ${count(selectors.length - 2)} more` : selectors.map(shown).join(", ");

function clientTable(caption, none) {
  return new Table(caption, [
    { name: "Number", text: row => `#${row.id}`, href: row => address(["clients", row.id]) },
    { name: "Subject", text: row => nameOf(row.subject), wide: true },
    { name: "Client", lesser: true, text: row => nameOf(row.client), wide: true },
    { name: "Address", lesser: true, text: row => row.address ?? NONE },
    { name: "Transport", text: transportOf },
    { name: "Follows", lesser: true, text: row => followed(row.follows), wide: true },
    { name: "For", number: true, text: row => brief(row.age) },
    { name: "Messages", number: true, lesser: true, text: row => count(row.messages) },
    { name: "Gaps", number: true, lesser: true, text: row => count(row.gaps) },
    { name: "Lag", number: true, text: row => count(row.lag) },
  ], row => row.id, { none });
}

const CLIENT_FIELDS = ["subject", "client", "address", "channel", "transport"];
function clientList(query) {
  const pager = new Pager(["clients"], query, PAGE);
  const table = clientTable("Clients", "No client matches.");
  const form = search(["clients"], query, [
    { name: "subject", label: "Subject" }, { name: "client", label: "Client", hint: "as it calls itself" }, { name: "address", label: "Address", hint: "192.0.2.7" },
    { name: "channel", label: "Follows the channel", hint: "news.eu" },
    { name: "transport", label: "Transport", choices: [["", "any"], ...TRANSPORTS.map(name => [name, name])] },
  ]);
  const node = el("div", {}, form, el("section", {}, pager.node, table.node));
  const wanted = Object.fromEntries(CLIENT_FIELDS.map(name => [name, query[name]]));
  const any = CLIENT_FIELDS.some(name => query[name]);
  return { title: "Clients", node, async refresh(signal, told) {
    const list = await get(["clients"], { ...wanted, after: query.after, limit: PAGE }, signal);
    table.fill(list.clients);
    pager.fill(list.clients.length, list.next, any || told.name !== undefined ? undefined : told.limits.subscriptions.used, list.silent);
  } };
}

function clientOne(id) {
  let told = { id: Number(id), follows: [] };
  const about = facts(["Subject", "Client", "Address", "Transport", "For", "Grant ends in", "Lag", "Messages", "Bytes", "Gaps", "Cursor", "Head of the log"], ["Cursor", "Head of the log"]);
  const follows = new Table("What it follows", [
    { name: "Channel", text: row => shown(row.channel), href: row => selectorAddress(row.channel), wide: true },
    { name: "From", number: true, text: row => `#${place(row.since)}` },
    { name: "Last message", number: true, lesser: true, text: row => row.last ? `#${place(row.last)}` : NONE },
    { name: "Lag", number: true, text: row => count(row.lag) },
  ], row => row.channel, { none: "It follows nothing." });
  const gaps = new Table("The last gaps", [
    { name: "Channel", text: gap => shown(gap.channel), href: gap => selectorAddress(gap.channel), wide: true },
    { name: "After", number: true, lesser: true, text: gap => `#${place(gap.from)}` },
    { name: "Up to", number: true, text: gap => `#${place(gap.to)}` },
    { name: "Because", text: gap => GAPS[gap.reason] ?? shown(gap.reason), wide: true },
  ], gap => `${gap.channel} ${gap.from} ${gap.to}`, { none: "It was told of no gap." });
  const lag = new Past(), plot = new Plot("Lag", "messages behind", lag);
  const orders = el("div", { class: "orders" },
    el("button", { type: "button", onclick: () => disconnect(told) }, "Disconnect…"),
    el("button", { type: "button", onclick: () => kick(told) }, "Kick…"),
    el("button", { type: "button", class: "danger", onclick: () => revoke(told) }, "Revoke…"));
  const list = (title, table) => el("section", { class: "list" }, el("h2", {}, title), table.node);
  const node = el("div", { class: "one" }, orders, el("section", { class: "about" }, el("h2", {}, "Client"), about.node),
    explaining(id), plot.node, list("Follows", follows), list("Gaps", gaps));
  return { title: `Client #${id}`, up: ["Clients", "#/clients"], node, async refresh(signal) {
    told = await get(["clients", id], {}, signal);
    about.fill({ Subject: told.subject === undefined ? "not known" : shown(told.subject), Client: told.client === undefined ? "has no name" : shown(told.client),
      Address: told.address ?? NONE, Transport: transportOf(told), For: span(told.age), "Grant ends in": told.expires ? span(left(told.expires)) : "never",
      Lag: many(told.lag, "message"), Messages: count(told.messages), Bytes: bytes(told.bytes), Gaps: count(told.gaps), Cursor: told.cursor, "Head of the log": told.head });
    lag.add(Date.now(), told.lag);
    plot.draw();
    follows.fill(told.following);
    gaps.fill(told.last_gaps);
  } };
}

/* Did it get message N, and if not, why. */
const OUTCOMES = { "delivered": "Yes.", "not-followed": "No: it does not follow it.", "gap": "No, and it was told so.", "not-read-yet": "Not yet.", "before-its-start": "No: it began later.",
  "not-authorised": "No: it was refused.", "no-such-message": "There is no such message.", "trimmed": "That is no longer known." };
function explaining(id) {
  const input = el("input", { name: "seq", required: true, pattern: "\\s*(#?[0-9]{1,20}|[0-9a-z]{8}-[0-9]{1,20})\\s*", autocomplete: "off", maxlength: 40, title: "the number of a message, or its cursor", placeholder: "its seq or cursor" });
  const answer = el("p", { class: "answer", role: "status" });
  const form = el("form", { class: "inline" }, el("label", {}, "Did it get the message", input), el("button", { class: "main" }, "Explain"));
  form.onsubmit = async event => {
    event.preventDefault();
    const text = input.value.trim().replace("#", "");
    try {
      const told = await get(["clients", id, "explain"], text.includes("-") ? { cursor: text } : { seq: text });
      answer.replaceChildren(el("b", {}, OUTCOMES[told.outcome] ?? shown(told.outcome)), ` ${sentence(shown(told.why))}`);
    } catch (error) {
      if (!needKey(error)) answer.replaceChildren(sentence(error.message));
    }
  };
  return el("section", { class: "explain" }, el("h2", {}, "Explain"), form, answer);
}
