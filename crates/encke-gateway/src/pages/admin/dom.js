/* Nodes and texts. All that comes from the API goes through here, and is text. */

const $ = id => document.getElementById(id);

/* An element. Children are nodes or texts, never markup. */
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") node[name] = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

/* Only what is different is written, so that selections and tooltips stay. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/* Names are chosen by others: what cannot be seen, or turns the direction of writing, is shown by its number. */
const UNSEEN = /^\s|\s$|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const shown = name => String(name).replace(UNSEEN, unseen => `\\u{${unseen.codePointAt(0).toString(16)}}`);

const TRANSPORTS = ["poll", "longpoll", "iframe", "sse", "ws"];
const NONE = "–";
const count = number => number === undefined || number === null ? NONE : Math.round(number).toLocaleString("en");
const few = number => number > 0 && number < 10 ? String(Number(number.toFixed(number < 1 ? 2 : 1))) : count(number);
const sentence = text => text && `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
const many = (number, one, more = `${one}s`) => `${count(number)} ${number === 1 ? one : more}`;
const percent = part => part > 0 && part < .01 ? "<1 %" : `${Math.round(100 * part)} %`;
const sum = counts => Object.values(counts ?? {}).reduce((all, some) => all + some, 0);

function bytes(number) {
  if (number === undefined || number === null) return NONE;
  const steps = ["B", "kB", "MB", "GB", "TB"];
  const step = number < 1000 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(number) / 3));
  const value = number / 1000 ** step;
  return `${step && value < 100 ? value.toFixed(1) : Math.round(value)} ${steps[step]}`;
}

/* A time of some length in seconds, in its two largest units. */
function span(seconds, parts = 2) {
  if (!Number.isFinite(seconds)) return NONE;
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = Math.max(0, Math.round(seconds));
  const first = Math.max(0, units.findIndex(([, size]) => rest >= size));
  const from = rest ? first : units.length - 1;
  return units.slice(from, from + parts).map(([unit, size], at) => {
    const value = Math.floor(rest / size);
    rest -= value * size;
    return at && !value ? "" : `${value} ${unit}`;
  }).filter(Boolean).join(" ");
}

/* Times are told by the clock of the node, which need not be that of the browser. */
const left = time => (Date.parse(time) - nodeNow()) / 1000;
const age = time => -left(time);
const brief = seconds => span(seconds, 1);
const clock = time => new Date(time).toLocaleTimeString("en-GB");
const minute = time => time ? time.slice(0, 16).replace("T", " ") : NONE;

const GAPS = { epoch: "the node began a new log", trimmed: "older messages had been dropped",
  future: "the cursor was ahead of the log", slow: "it was too slow" };
/* The seq of a cursor, which may be more than a number can be. */
const place = cursor => String(cursor).slice(String(cursor).lastIndexOf("-") + 1);

/* A list of names with their values. Returns the node, and what fills it. */
function facts(names, long = []) {
  const values = new Map();
  const list = el("dl", { class: "facts" }, names.map(name => {
    const value = el("dd", {}, NONE);
    values.set(name, value);
    return el("div", { class: long.includes(name) ? "long" : null }, el("dt", {}, name), value);
  }));
  return { node: list, fill: texts => { for (const [name, text] of Object.entries(texts)) write(values.get(name), text); }, at: name => values.get(name) };
}

/* A bar for each name, with its number: the length says it once more. Some names are there from the beginning. */
function bars(title, names = []) {
  const list = el("ul", { class: "bars", role: "list" });
  const none = el("p", { class: "soft" }, "nobody");
  const rows = new Map();
  function fill(counts) {
    const zeros = Object.fromEntries(names.map(name => [name, 0]));
    const sorted = Object.entries({ ...zeros, ...counts }).filter(([name, number]) => number > 0 || names.includes(name));
    const all = sum(counts);
    none.hidden = sorted.length > 0;
    for (const [name, row] of rows) if (!sorted.some(([known]) => known === name)) row.node.remove(), rows.delete(name);
    for (const [name, number] of sorted) {
      if (!rows.has(name)) {
        const value = el("span", { class: "figure" }), bar = el("i");
        rows.set(name, { value, bar, node: el("li", {}, el("span", { class: "name" }, shown(name)), value, el("span", { class: "track", "aria-hidden": "true" }, bar)) });
      }
      const row = rows.get(name);
      const part = all ? number / all : 0;
      write(row.value, number ? `${count(number)} · ${percent(part)}` : "0");
      row.bar.style.width = `${100 * part}%`;
    }
    if (list.children.length !== sorted.length) list.replaceChildren(...sorted.map(([name]) => rows.get(name).node));
  }
  fill({});
  return { node: el("section", {}, el("h2", {}, title), list, none), fill };
}
