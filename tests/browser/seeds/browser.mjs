// What `tests/seeds/browser.mjs` imitates is here: the same names, from the browser and from jQuery itself.
export const base = process.argv[2] ?? location.origin;
export const $ = window.$;
export const fetch = window.fetch.bind(window);

// Only the clock runs a hundred times as fast, and a tick of an interval waits for the answer to the last one.
export const setTimeout = (run, ms) => window.setTimeout(run, ms / 100);
export const setInterval = (run, ms) => window.setInterval(() => $.active || run(), ms / 100);
