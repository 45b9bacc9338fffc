/* Bans and refusals. */

const whomText = whom => typeof whom === "string" ? shown(whom) : Object.entries(whom).map(([kind, name]) => `${kind} ${shown(name)}`).join(", ");

function banList(query) {
  const pager = new Pager(["bans"], query, PAGE);
  const table = new Table("Bans", [
    { name: "Whom", text: row => whomText(row.whom), wide: true },
    { name: "On", text: row => row.channel === undefined ? "all" : shown(row.channel), wide: true },
    { name: "Kind", lesser: true, text: row => row.spares_new ? "revoked: what is granted later holds" : "shut out" },
    { name: "Since", number: true, lesser: true, text: row => `${span(age(row.since))} ago` },
    { name: "Ends in", number: true, text: row => brief(left(row.until)) },
    { name: "Lift", number: true, hidden: true, button: { name: "Lift…", of: row => `the ban of ${whomText(row.whom)}`, run: lift } },
  ], row => row.id, { none: "Nobody is banned." });
  const node = el("div", {}, el("div", { class: "orders" }, el("button", { type: "button", onclick: () => ban() }, "Ban…")), el("section", {}, pager.node, table.node));
  return { title: "Bans", node, async refresh(signal, told) {
    const list = await get(["bans"], { after: query.after, limit: PAGE }, signal);
    table.fill(list.bans);
    pager.fill(list.bans.length, list.next, told.limits.bans.used);
  } };
}

function refusalTable(short) {
  return new Table("Who was denied what", [
    ...short ? [] : [{ name: "To", text: row => shown(row.action) }],
    { name: "Because", text: row => shown(row.reason) },
    { name: "Who", text: row => shown(row.subject ?? row.client ?? (short && row.address || NONE)), wide: true },
    ...short ? [] : [
      { name: "Address", lesser: true, text: row => row.address ?? NONE },
      { name: "Channel", lesser: true, text: row => row.channel === undefined ? NONE : shown(row.channel), wide: true },
      { name: "In words", lesser: true, text: row => shown(row.why), wide: true },
    ],
    { name: "Ago", number: true, text: row => brief(age(row.at)) },
  ], row => JSON.stringify(row), { none: "Nobody was denied anything lately." });
}

function refusalList() {
  const about = facts(["Access denied", "Publishes refused", "Subscriptions refused", "Gaps handed out"]);
  const reasons = bars("The last ones, by reason"), table = refusalTable(false);
  const node = el("div", { class: "one" }, el("section", {}, el("h2", {}, "Since the node began"), about.node), reasons.node,
    el("section", { class: "list" }, el("h2", {}, "The last ones"), table.node));
  return { title: "Refusals", node, async refresh(signal, { counts }) {
    const { refusals } = await get(["refusals"], { limit: 100 }, signal);
    about.fill({ "Access denied": count(counts.denied), "Publishes refused": count(counts.refused), "Subscriptions refused": count(counts.turned_away), "Gaps handed out": count(counts.gaps) });
    const byReason = new Map();
    for (const { reason } of refusals) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    reasons.fill(Object.fromEntries(byReason));
    table.fill(refusals);
  } };
}
