/* Which view is shown, and the polls. */

const EVERY = 2000, SLOWEST = 30_000;
let view, late, turned, looking = new AbortController(), timer, failures = 0;

let saying;
function say(text) {
  write($("said"), text);
  clearTimeout(saying);
  if (text) saying = setTimeout(say, 10_000, "");
}

function link(state, text) {
  mark($("link"), "data-state", state);
  write($("state"), text);
}

/* The path and the parameters of the address. */
function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const plain = text => { try { return decodeURIComponent(text); } catch { return text; } };
  return { path: path.split("/").filter(Boolean).map(plain), query: Object.fromEntries(new URLSearchParams(query)) };
}

function viewOf({ path: [kind, name], query }) {
  if (kind === "channels") return name === undefined ? channelList(query) : channelOne(name, query);
  if (kind === "clients") return name === undefined ? clientList(query) : clientOne(name);
  if (kind === "bans") return banList(query);
  if (kind === "refusals") return refusalList();
  return overview();
}

function open(first) {
  const place = here();
  /* Who goes through the pages by keyboard goes on from the same link. */
  turned = document.activeElement.closest(".pager") && document.activeElement.textContent;
  view = viewOf(place);
  $("title").replaceChildren(...view.up ? [el("a", { href: view.up[1] }, view.up[0]), el("span", { class: "soft", "aria-hidden": "true" }, " / ")] : [], el("bdi", {}, view.title));
  document.title = `${view.title} · encke admin`;
  $("view").replaceChildren(view.node);
  /* With its first figures, or when they are late: nothing moves while one looks. */
  $("view").classList.add("new");
  clearTimeout(late);
  late = setTimeout(appear, 400);
  $("problem").hidden = true;
  say("");
  for (const to of document.querySelectorAll("nav a")) {
    const [kind = ""] = place.path;
    if (to.hash === `#/${kind}`) to.setAttribute("aria-current", "page");
    else to.removeAttribute("aria-current");
  }
  if (!first) {
    scrollTo(0, 0);
    $("title").focus({ preventScroll: true });
  }
  again();
}

const appear = () => $("view").classList.remove("new");

/* Polls now, and from now on. */
function again() {
  looking.abort();
  clearTimeout(timer);
  if (document.hidden) return;
  looking = new AbortController();
  poll(looking.signal);
}

async function poll(signal) {
  const began = performance.now();
  let wait = EVERY;
  try {
    await view.refresh(signal, await sample(signal));
    if (signal.aborted) return;
    appear();
    [...document.querySelectorAll(".pager a")].find(link => link.textContent === turned)?.focus();
    turned = null;
    failures = 0;
    $("problem").hidden = true;
    link("live", `as of ${clock(nodeNow())}`);
    /* A node that is busy is asked more seldom. */
    wait = Math.max(EVERY, 5 * (performance.now() - began));
  } catch (error) {
    if (signal.aborted) return;
    if (needKey(error)) return;
    wait = Math.min(SLOWEST, EVERY * 2 ** failures++);
    link("lost", error.status ? `refused; again in ${span(wait / 1000)}` : `no answer; again in ${span(wait / 1000)}`);
    write($("problem"), sentence(error.message));
    $("problem").hidden = false;
  }
  keyButton("Forget key", Boolean(key.get()));
  timer = setTimeout(poll, wait, signal);
}

function keyButton(text, there) {
  write($("forget"), text);
  $("forget").hidden = !there;
}

/* Asks for the key if that is what is missing or wrong; the next poll is when there is one. */
function needKey(error) {
  const refused = key.get() !== null;
  if (error.status !== 401 && !(error.status === 403 && refused)) return false;
  looking.abort();
  clearTimeout(timer);
  link("lost", "a key is needed");
  key.forget();
  keyButton("Enter key", true);
  const input = el("input", { name: "key", type: "password", required: true, autocomplete: "off", maxlength: 4096, pattern: "[!-~]+", title: "visible ASCII" });
  confirmed({ title: "The key of this gateway", text: refused ? `This key was not accepted: ${sentence(error.message)}` : "Administration needs a key. It is kept by this tab until it is closed.", yes: "Use it",
    fields: [{ label: "Key", node: input }], done: async ({ key: text }) => { key.set(text); return ""; } });
  return true;
}

$("forget").onclick = () => { key.forget(); again(); };
$("ask").onclose = () => $("ask").replaceChildren();
window.onhashchange = () => open();
document.onvisibilitychange = () => {
  if (document.hidden) link("paused", "paused");
  again();
};
keyButton("Forget key", Boolean(key.get()));
open(true);
