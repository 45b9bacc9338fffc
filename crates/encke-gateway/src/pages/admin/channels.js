/* Channels: all of them by pages, and one of them. */

const PAGE = 50, GLANCE = 20;

const channelAddress = name => address(["channels", name]);
/* Of a name, to itself; of a pattern, to the channels that match. */
const selectorAddress = name => /(^|\.)\*\*?(\.|$)/.test(name) ? address(["channels"], { pattern: name }) : channelAddress(name);

/* The API goes on after a name. This one is the last before those that begin with `text`, but for names nobody has. */
function before(text) {
  const points = [...text];
  const last = points.pop().codePointAt(0);
  return points.join("") + (last ? String.fromCodePoint(last === 0xe000 ? 0xd7ff : last - 1) + "\u{10ffff}" : "");
}

function search(path, query, fields, help) {
  const inputs = fields.map(({ name, label, hint, choices }) => el("label", {}, label, choices
    ? el("select", { name }, choices.map(([value, text]) => el("option", { value, selected: value === (query[name] ?? "") }, text)))
    : el("input", { name, value: query[name] ?? "", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 255, placeholder: hint })));
  const form = el("form", { class: "search", role: "search" }, inputs, el("button", { class: "main" }, "Find"), help && el("p", { class: "soft help" }, help));
  form.onsubmit = event => {
    event.preventDefault();
    location.hash = address(path, Object.fromEntries(new FormData(form)));
  };
  for (const select of form.querySelectorAll("select")) select.onchange = () => form.requestSubmit();
  return form;
}

function channelList(query) {
  const sort = query.sort || "name";
  const pager = new Pager(["channels"], query, PAGE);
  const table = new Table("Channels", [
    { name: "Channel", sort: "name", text: row => shown(row.channel), href: row => channelAddress(row.channel), wide: true },
    { name: "Subscribers", sort: "subscribers", number: true, text: row => count(sum(row.subscribers)) },
    { name: "Per second", sort: "rate", number: true, text: row => few(row.rate) },
    { name: "Members", number: true, lesser: true, text: row => count(row.members) },
    { name: "Retained", number: true, lesser: true, text: row => count(row.retained) },
    { name: "Bytes", number: true, lesser: true, text: row => bytes(row.bytes) },
    { name: "Last message", number: true, lesser: true, text: row => `#${place(row.cursor)}` },
  ], row => row.channel, { none: "No channel matches.", sorted: sort, onSort: sort => { location.hash = address(["channels"], { pattern: query.pattern, sort }); } });
  const form = search(["channels"], query, [
    { name: "pattern", label: "Name or pattern", hint: "news.**" },
    { name: "from", label: "Beginning at the name", hint: "n" },
    { name: "sort", label: "Order", choices: [["", "Name"], ["subscribers", "Subscribers"], ["rate", "Messages a second"]] },
  ], "In a pattern * is one segment, and ** at its end one or more.");
  const begin = sort === "name" && query.from ? before(query.from) : "";
  const node = el("div", {}, form, el("section", {}, pager.node, table.node));
  return { title: "Channels", node, async refresh(signal, told) {
    const list = await get(["channels"], { pattern: query.pattern, sort: query.sort, after: query.after || begin, limit: PAGE }, signal);
    table.fill(list.channels);
    pager.fill(list.channels.length, list.next, query.pattern || begin ? undefined : told.limits.channels.used, list.silent);
  } };
}

function memberTable() {
  return new Table("Members", [
    { name: "Subject", text: row => nameOf(row.subject), href: row => row.subject !== undefined && address(["clients"], { subject: row.subject }), wide: true },
    { name: "Clients", text: row => row.clients.map(shown).join(", ") || NONE, href: row => row.clients.length === 1 && address(["clients"], { client: row.clients[0] }), wide: true },
    { name: "Info", lesser: true, text: row => row.info === undefined ? NONE : shown(JSON.stringify(row.info)), wide: true },
    { name: "Address", lesser: true, text: row => row.addresses?.join(", ") || NONE },
    { name: "By", text: row => Object.entries(row.transports).map(([transport, number]) => number > 1 ? `${shown(transport)} ×${number}` : shown(transport)).join(", ") },
    { name: "For", number: true, text: row => brief(age(row.since)) },
  ], row => JSON.stringify([row.subject, row.clients, row.since]), { none: "Nobody is here." });
}

function channelOne(name, query) {
  const about = facts(["Subscribers", "Members", "Last message", "Retained", "Bytes", "Gone up to", "Cursor"], ["Cursor"]);
  const transports = bars("Subscribers by transport", TRANSPORTS);
  const rate = new Past(), plot = new Plot("Messages", "/s", rate, "messages a second");
  const pager = new Pager(["channels", name], query, GLANCE);
  const members = memberTable();
  const present = el("section", { class: "list", hidden: true }, el("div", { class: "head" }, el("h2", {}, "Members"), pager.node), members.node);
  const clients = clientTable("Clients that follow it", "Nobody follows it.");
  const all = address(["clients"], { channel: name });
  const orders = el("div", { class: "orders" },
    el("button", { type: "button", onclick: () => trimChannel(name) }, "Trim…"),
    el("button", { type: "button", class: "danger", onclick: () => deleteChannel(name) }, "Delete…"));
  const node = el("div", { class: "one" }, orders,
    el("section", { class: "about" }, el("h2", {}, "Channel"), about.node), transports.node, plot.node, present,
    el("section", { class: "list" }, el("div", { class: "head" }, el("h2", {}, "Clients that follow it"), el("a", { href: all, "aria-label": "All clients that follow it" }, "all")), clients.node));
  return { title: shown(name), up: ["Channels", "#/channels"], node, async refresh(signal) {
    const told = await get(["channels", name], {}, signal);
    about.fill({ Subscribers: count(sum(told.subscribers)), Members: told.present ? count(told.present.count) : "not kept", "Last message": `#${place(told.cursor)}`,
      Retained: many(told.retained, "message"), Bytes: bytes(told.bytes), "Gone up to": `#${place(told.trimmed)}`, Cursor: told.cursor });
    transports.fill(told.subscribers);
    rate.add(Date.now(), told.rate);
    plot.draw();
    clients.fill(told.followers.slice(0, GLANCE));
    present.hidden = !told.present;
    if (!told.present) return;
    const page = query.after ? await get(["channels", name, "members"], { after: query.after, limit: GLANCE }, signal) : await firstMembers(told, name, signal);
    members.fill(page.members);
    pager.fill(page.members.length, page.next, page.count);
  } };
}

/* The channel tells of some members; where these are not all, the page that can be gone on from is asked for. */
const firstMembers = (told, name, signal) => told.present.count <= GLANCE ? told.present : get(["channels", name, "members"], { limit: GLANCE }, signal);
