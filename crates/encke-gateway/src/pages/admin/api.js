/* The administration API, and the key that it may ask for. */

const API = new URL(location.pathname.replace(/\/?$/, "/api/"), location.origin);
const KEY = "encke-admin-key";
const PATIENCE = 15000;

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/* This tab's only: not in an address, not in what other tabs or the next visit can read. */
const key = {
  get: () => sessionStorage.getItem(KEY),
  set: text => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

let ahead = 0;                          // how far the node's clock is ahead of the browser's, in milliseconds
const nodeNow = () => Date.now() + ahead;

/* Dots alone would be steps in a path, however they are written. */
function pathOf(segments) {
  if (segments.some(segment => segment === "." || segment === "..")) throw new Refused(0, "no address has a place for this name");
  return segments.map(segment => encodeURIComponent(String(segment).toWellFormed())).join("/");
}

/* Asks, with the key if there is one. `query` and `body` leave out what is empty. */
async function ask(method, segments, { query = {}, body, signal } = {}) {
  const url = new URL(pathOf(segments), API);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const headers = {};
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  if (body) headers["content-type"] = "application/json";
  const late = AbortSignal.timeout(PATIENCE);
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store",
      signal: signal ? AbortSignal.any([signal, late]) : late });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, late.aborted ? `no answer in ${PATIENCE / 1000} s` : "the node cannot be reached");
  }
  const date = Date.parse(answer.headers.get("date"));
  if (Math.abs(date - Date.now() - ahead) > 2000) ahead = date - Date.now();
  const told = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, told?.detail ?? told?.title ?? `the answer was ${answer.status}`);
  return told ?? {};
}

const get = (segments, query, signal) => ask("GET", segments, { query, signal });
const post = (segments, body) => ask("POST", segments, { body });
