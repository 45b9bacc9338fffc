
/* Publishing, and one line that says how it went: the only part that is read aloud. */

const BURST = 20, STEADY_FOR = 60;
let awaited = null;                     // the last place that this page published
let steady = null;                      // what stops the steady publishing

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function arrived() {
  if (!awaited) return;
  const reading = cards.filter(card => card.running);
  const [epoch, seq] = place(awaited.cursor);
  const here = card => { const [of, at] = place(card.cursor); return of === epoch && at >= seq; };
  if (!reading.length || !reading.every(here)) return;
  say(`#${seq} arrived over ${reading.map(card => card.name).join(", ")}; the last after ${inMs(performance.now() - awaited.at)}.`);
  awaited = null;
}

/* Publishes, and notes when: the receipts. */
async function send(type, body) {
  const at = performance.now();
  const signal = AbortSignal.timeout(10000);
  try {
    const answer = await fetch(url("publish"), { method: "POST", headers: { "content-type": type }, body, signal });
    if (!answer.ok) throw await problem(answer);
    const told = await answer.json(), results = told.results ?? [told];
    const receipts = results.filter(({ cursor }) => cursor), refused = results.find(({ cursor }) => !cursor);
    for (const { cursor } of receipts) {
      published.set(cursor, at);
      bound(published);
      cards.forEach(card => card.settle(cursor));
    }
    if (refused) throw new Error(refused.detail ?? refused.title);
    return { at, receipts };
  } catch (error) {
    say(signal.aborted ? "No answer in 10 s. Do other windows of this page hold all connections?" : `Not published. ${error.message}`, true);
  }
}

const sendLines = texts => send("application/x-ndjson", texts.map(data => JSON.stringify({ data })).join("\n"));

async function publish(sent) {
  const done = await sent;
  if (!done) return;
  const { at, receipts } = done;
  awaited = { at, cursor: receipts.at(-1).cursor };
  say(`Published ${receipts.length > 1 ? `${receipts.length} messages` : `#${receipts[0].seq}`} in ${inMs(performance.now() - at)}.`);
  arrived();
}

$("publish").onsubmit = event => {
  event.preventDefault();
  if (follow()) publish(send("text/plain; charset=utf-8", $("message").value));
};
$("burst").onclick = () => {
  if (follow()) publish(sendLines(Array.from({ length: BURST }, (_, i) => `${$("message").value} ${i + 1}`)));
};

/* One request at a time, with all that is due by then: no queue where the gateway is slower than the rate. */
async function publishSteadily(rate) {
  const { signal } = steady = new AbortController();
  const began = performance.now(), until = began + 1000 * STEADY_FOR;
  let due = 0, made = 0;
  awaited = null;
  $("steady").setAttribute("aria-pressed", true);
  document.body.classList.toggle("fast", rate > 1);
  say(`Publishing ${rate} a second.`);
  for (let now = began; !signal.aborted && now < until; now = performance.now()) {
    const before = due;
    due = Math.floor((now - began) / 1000 * rate) + 1;
    const texts = Array.from({ length: Math.min(BURST, due - before) }, () => `${$("message").value} ${++made}`);
    $("left").textContent = `${Math.ceil((until - now) / 1000)} s left`;
    if (texts.length && !await sendLines(texts)) return signal.aborted || stopSteady();
    await pause(Math.max(0, began + 1000 * due / rate - performance.now()), signal);
  }
  if (!signal.aborted) stopSteady(`Published ${made.toLocaleString("en")} messages in a minute.`);
}

function stopSteady(why) {
  if (!steady) return;
  steady.abort();
  steady = null;
  $("steady").setAttribute("aria-pressed", false);
  document.body.classList.remove("fast");
  $("left").textContent = "for a minute";
  if (why) say(why);
}

$("steady").onclick = () => steady ? stopSteady("Stopped.") : follow() && publishSteadily(Number($("rate").value));
$("rate").onchange = () => {
  if (!steady) return;
  stopSteady();
  publishSteadily(Number($("rate").value));
};

function showCommand() {
  const text = $("message").value;
  $("curl").textContent = `curl ${text.startsWith("@") ? "--data-raw" : "-d"} ${quoted(text)} ${quoted(url("publish"))}`;
}
$("message").oninput = showCommand;

document.onclick = async ({ target }) => {
  const copied = target.closest("[data-copy]") && $(target.closest("[data-copy]").dataset.copy);
  if (!copied) return;
  getSelection().selectAllChildren(copied);
  /* Only secure contexts may write to the clipboard; the text stays selected for the others. */
  const done = await navigator.clipboard?.writeText(copied.textContent).then(() => true, () => false);
  say(done ? "Copied." : "Selected: copy it with the keyboard.");
};

/* Which channel, from where, and when. */

const cards = [];
for (const kind of TRANSPORTS) cards.push(new Card(kind));
let begun;

/* All cards start from one place, so that their counts can be compared. */
async function begin(tries = 0) {
  const { signal } = begun = new AbortController();
  try {
    const answer = await fetch(url("poll", { since: "latest" }), { signal });
    if (!answer.ok) throw await problem(answer);
    const { cursor } = await answer.json();
    if (signal.aborted) return;
    begun = null;
    if (tries) say("");
    cards.forEach(card => { card.reset(cursor); document.hidden ? card.pause() : card.start(); });
  } catch (error) {
    if (signal.aborted) return;
    const wait = Math.min(30000, 1000 * 2 ** tries);
    say(`The gateway does not serve this channel; again in ${inMs(wait)}. ${error.message}`, true);
    await pause(wait, signal);
    if (!signal.aborted) begin(tries + 1);
  }
}

function open() {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { /* then as it stands */ }
  channel = $("channel").value = name || "demo";
  begun?.abort();
  awaited = null;
  showCommand();
  cards.forEach(card => card.reset(null));
  begin();
}

/* Goes to the channel in the field; false if that is another one, or none. */
function follow() {
  if (!$("channel").reportValidity()) return false;
  const same = $("channel").value === channel;
  if (!same) location.hash = encodeURIComponent($("channel").value);
  return same;
}

$("channel").onchange = follow;
$("reset").onclick = () => { open(); say("Begun anew."); };
window.onhashchange = () => { stopSteady("Stopped: this is another channel."); open(); };
document.onvisibilitychange = () => {
  if (document.hidden) stopSteady("Stopped: nobody looks.");
  if (!begun) cards.forEach(card => document.hidden ? card.pause() : card.state === "paused" && card.start());
};
/* A frame that streams before the page has loaded keeps it from ever having loaded. */
window.onload = open;
