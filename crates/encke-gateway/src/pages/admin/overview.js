/* The node at a glance. */

/* The node is asked for whatever is looked at, so that the plots have no holes. */
const RATES = {
  published: ["Published", "messages a second", counts => counts.published], delivered: ["Delivered", "messages a second", counts => counts.delivered],
  opened: ["Opened", "subscriptions a second", counts => counts.opened], gaps: ["Gaps", "gaps a second", counts => counts.gaps],
  refused: ["Refused", "publishes and subscriptions a second", counts => counts.refused + counts.turned_away], denied: ["Denied", "wishes for access a second", counts => counts.denied],
};
const past = Object.fromEntries(Object.keys(RATES).map(name => [name, new Past()]));
let last = null;                        // the counts of the poll before, of which life of the log, and when

async function sample(signal) {
  const node = await get(["node"], {}, signal);
  const at = Date.now(), between = last?.began === node.began ? (at - last.at) / 1000 : Infinity;
  const asked = between < 15 ? null : (await get(["rates"], {}, signal)).now;
  for (const [name, [, , read]] of Object.entries(RATES))
    past[name].add(at, between < 15 ? (read(node.counts) - read(last.counts)) / between : asked?.[name]);
  last = { counts: node.counts, began: node.began, at };
  return node;
}

const TOP = 8, TOP_EVERY = 10_000;
const LOADS = { channels: ["Channels", count], subscriptions: ["Subscriptions", count], connections: ["Connections", count], bytes: ["Bytes retained", bytes], members: ["Members", count], bans: ["Bans", count] };

function meter(name, show) {
  const value = el("span", { class: "figure" }, NONE), bar = el("i");
  const node = el("li", {}, el("span", { class: "name" }, name), value, el("span", { class: "track", "aria-hidden": "true" }, bar));
  return { node, fill({ used, limit }) {
    const part = limit ? used / limit : 0;
    write(value, `${part > .9 ? "▲ " : ""}${show(used)} of ${show(limit)} · ${percent(part)}`);
    bar.style.width = `${100 * Math.min(1, part)}%`;
    bar.className = part > .9 ? "full" : "";
    value.classList.toggle("bad", part > .9);
    value.title = part > .9 ? "nearly full" : "";
  } };
}

/* What the host tells of its process has whatever names it has. */
function processFacts() {
  const list = el("dl", { class: "facts" });
  return { node: list, fill(told) {
    const texts = Object.entries(told).map(([name, value]) => [shown(name.replaceAll("_", " ")), typeof value === "number" ? count(value) : shown(value)]);
    if (list.children.length !== texts.length) list.replaceChildren(...texts.map(() => el("div", {}, el("dt"), el("dd"))));
    texts.forEach(([name, value], at) => { write(list.children[at].firstChild, name); write(list.children[at].lastChild, value); });
  } };
}

function topTable(sort) {
  const figure = sort === "rate" ? { name: "Per second", text: row => few(row.rate) } : { name: "Subscribers", text: row => count(sum(row.subscribers)) };
  return new Table(sort === "rate" ? "The busiest channels" : "The most followed channels", [
    { name: "Channel", text: row => shown(row.channel), href: row => channelAddress(row.channel), wide: true }, { ...figure, number: true },
  ], row => row.channel, { none: "There is no channel." });
}
const tile = (title, table, to, all) => el("section", { class: "top" }, el("div", { class: "head" }, el("h2", {}, title), el("a", { href: to, "aria-label": all }, "all")), table.node);

function overview() {
  const about = facts(["State", "Up for", "Since (UTC)", "Version", "Epoch", "Last message"]);
  const loads = Object.fromEntries(Object.entries(LOADS).map(([name, [title, show]]) => [name, meter(title, show)]));
  const transports = bars("Subscriptions by transport", TRANSPORTS);
  const host = processFacts();
  const plots = Object.entries(RATES).map(([name, [title, unit]]) => new Plot(title, "/s", past[name], unit, name));
  const tops = { rate: topTable("rate"), subscribers: topTable("subscribers") };
  const refused = refusalTable(true);
  const drain = el("button", { type: "button", class: "small", onclick: drainNode }, "Drain…");

  const node = el("div", { class: "overview" },
    el("section", { class: "node" }, el("div", { class: "head" }, el("h2", {}, "Node"), drain), about.node,
      el("ul", { class: "bars", role: "list" }, Object.values(loads).map(({ node }) => node)), host.node),
    transports.node,
    el("div", { class: "plots" }, plots.map(({ node }) => node)),
    tile("Busiest", tops.rate, address(["channels"], { sort: "rate" }), "All channels, the busiest first"),
    tile("Most followed", tops.subscribers, address(["channels"], { sort: "subscribers" }), "All channels, the most followed first"),
    tile("Denied last", refused, "#/refusals", "All refusals"));

  let ranked = -Infinity;
  return { title: "Overview", node, async refresh(signal, told) {
    const state = about.at("State");
    write(state, told.draining ? "draining" : "serving");
    state.className = told.draining ? "state warn" : "state good";
    drain.disabled = told.draining;
    about.fill({ "Up for": span(told.uptime), "Since (UTC)": minute(told.began), Version: told.version, Epoch: told.epoch, "Last message": `#${place(told.head)}` });
    const { connections, connections_limit, retained_bytes_limit: _, ...others } = told.process;
    const limits = { ...told.limits, connections: connections_limit && { used: connections, limit: connections_limit } };
    for (const [name, load] of Object.entries(loads)) {
      load.node.hidden = !limits[name];
      if (limits[name]) load.fill(limits[name]);
    }
    transports.fill(told.subscriptions);
    host.fill(others);
    plots.forEach(plot => plot.draw());
    refused.fill((await get(["refusals"], { limit: TOP }, signal)).refusals);
    /* Each of these looks at all channels there are, so they are asked for more seldom. */
    if (performance.now() - ranked < TOP_EVERY) return;
    ranked = performance.now();
    await Promise.all(Object.entries(tops).map(async ([sort, table]) => table.fill((await get(["channels"], { sort, limit: TOP }, signal)).channels)));
  } };
}
