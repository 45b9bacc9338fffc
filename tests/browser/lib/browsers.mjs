// Every test runs in Chromium and in Firefox: one process of each for a test file, a profile of its own for each test.
//
//   forEachBrowser('two tabs', async ({ browser, open }) => {
//     const page = await open(url);                       // a page of puppeteer; a second one is a tab beside it
//     const other = await open(url, { apart: true });     // with cookies and storage of its own
//   });
//
// A test fails also by what its pages complain of: errors that nobody caught, dialogs, violations of a content security
// policy. They are in `problems`; a test that expects some takes them out.
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { until } from './wait.mjs';

const CHROMIUM = {
  executablePath: find('chromium', process.env.ENCKE_CHROMIUM),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
  // Tabs in the background are slowed down for people, so for tests too.
  ignoreDefaultArgs: ['--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding'],
};
const FIREFOX = { browser: 'firefox', executablePath: find('firefox-esr', process.env.ENCKE_FIREFOX) };
const LAUNCH = { chromium: CHROMIUM, firefox: FIREFOX };
// Firefox cannot be told for one page.
const DARK = { extraPrefsFirefox: { 'layout.css.prefers-color-scheme.content-override': 0 } };

const launched = new Map();
after(() => Promise.all([...launched.values()].map(async browser => (await browser).close())));

/** `only` one browser, in the `dark`; other options are those of `test`. */
export function forEachBrowser(name, run, { only, dark = false, ...options } = {}) {
  for (const browser of only ? [only] : Object.keys(LAUNCH)) {
    test(`${name} (${browser})`, { timeout: 60_000, ...options }, async context => {
      const tabs = new Tabs(browser, dark);
      try {
        await run(tabs, context);
        await tabs.settle();
        assert.deepEqual(tabs.problems, []);
      } catch (error) {
        for (const line of [...tabs.problems, ...tabs.lines.slice(-50)]) context.diagnostic(line);
        throw error;
      } finally {
        await tabs.close();
      }
    });
  }
}

class Tabs {
  problems = [];
  /** What the pages have written to their consoles. */
  lines = [];
  #dark;
  #profiles = [];
  #pages = [];

  constructor(browser, dark) {
    this.browser = browser;
    this.#dark = dark;
  }

  /** A new page in front, whose document has been read. `before` runs in each of its documents before their own scripts. */
  open = async (url, { apart = false, viewport, before } = {}) => {
    const profile = apart || !this.#profiles[0] ? await this.#profile() : this.#profiles[0];
    // Firefox loses a new tab now and then, before anything is in it.
    const page = await profile.newPage().catch(() => profile.newPage());
    this.#pages.push(page);
    this.#watch(page);
    await page.evaluateOnNewDocument(reportProblems, PROBLEM);
    if (before) await page.evaluateOnNewDocument(before);
    if (viewport) await page.setViewport(viewport);
    if (this.#dark && this.browser === 'chromium') {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    }
    // Neither a page with a forever-iframe nor its frame has ever loaded.
    await page.goto(url, { waitUntil: [] });
    await until('a document', () => page.evaluate(() => document.readyState !== 'loading'));
    return page;
  };

  async #profile() {
    const key = `${this.browser} ${this.#dark}`;
    if (!launched.has(key)) {
      launched.set(key, puppeteer.launch({ ...LAUNCH[this.browser], ...(this.#dark ? DARK : {}), timeout: 50_000 }));
    }
    const profile = await (await launched.get(key)).createBrowserContext();
    this.#profiles.push(profile);
    return profile;
  }

  #watch(page) {
    page.on('dialog', dialog => {
      this.problems.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('console', message => {
      const text = message.text();
      if (text.startsWith(PROBLEM)) this.problems.push(text.slice(PROBLEM.length));
      else this.lines.push(`${message.type()}: ${text}`);
    });
  }

  /** What the pages have complained of until now is known afterwards. */
  async settle() {
    await Promise.all(this.#pages.map(page => page.evaluate(() => {}).catch(() => {})));
  }

  async close() {
    await Promise.all(this.#profiles.map(profile => profile.close()));
  }
}

const PROBLEM = 'problem: ';

/** In the page, and not by the driver: Firefox tells that one also of connections that fail, which is no error of the page. */
function reportProblems(problem) {
  const tell = text => console.error(problem + text);
  addEventListener('error', ({ message }) => tell(`error: ${message}`));
  addEventListener('unhandledrejection', ({ reason }) => tell(`error: ${reason?.message ?? reason}`));
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample, documentURI }) =>
    tell(`violation: ${effectiveDirective} forbids ${blockedURI} ${sample} in ${documentURI}`));
}

/** Back (-1) or forward (1), also to pages that the browser has kept alive: no load tells that they are there. */
export async function travel(page, steps) {
  // For puppeteer a page that comes back alive in Firefox is still elsewhere.
  const from = await page.evaluate(steps => {
    setTimeout(() => history.go(steps));
    return location.href;
  }, steps);
  await until('another page', () => page.evaluate(from => location.href !== from, from).catch(() => false));
}

/** Puts another tab in front of this page, and resolves to a function that takes it away. */
export async function hide(page) {
  const cover = await page.browserContext().newPage();
  await until('a hidden page', () => page.evaluate(() => document.hidden));
  return async () => {
    await cover.close();
    await page.bringToFront();
    await until('a page that is seen', () => page.evaluate(() => !document.hidden));
  };
}

/** Freezes a page as Chromium does with tabs that nobody has seen for minutes; resolves to a function that thaws and shows it. */
export async function freeze(page) {
  const show = await hide(page);
  const devtools = await page.createCDPSession();
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  return async () => {
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await devtools.detach();
    await show();
  };
}

function find(name, path) {
  const paths = path ? [path] : process.env.PATH.split(delimiter).map(folder => join(folder, name));
  const found = paths.find(path => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`${path ?? name} is missing: cargo xtask setup`);
  return found;
}
