// Pages with the SDK, and what comes to them. A page follows channels on which numbers are published, 0 and on, and keeps
// what it was told, in its order:
//
//   const site = await startSite(gateway.port);
//   const client = await follow(open, site, 'numbers', { since: 'earliest', transports: ['sse'] });
//   await client.receives(100);                         // 0 to 99: all, once, in their order, and no gap
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './gateway.mjs';
import { startProxy } from './proxy.mjs';
import { until } from './wait.mjs';

const dist = name => readFileSync(join(root, 'clients/js/dist', name), 'utf8');
const PAGE = `<!doctype html><meta charset="utf-8"><title>a page with the SDK</title><body><script type="module">
import { Encke } from '/sdk/encke.mjs';
(${recorder})(Encke);
</script>`;

const PAGES = {
  '/page': PAGE,
  '/other': '<!doctype html><meta charset="utf-8"><title>another page</title>',
  '/sdk/encke.mjs': dist('encke.mjs'),
  '/sdk/legacy.mjs': dist('legacy.mjs'),
  '/sdk/presence.mjs': dist('presence.mjs'),
  '/sdk/eventtube.mjs': dist('eventtube.mjs'),
  '/sdk/js': dist('encke.js'),
};

/** A proxy to the gateway on this port, which has pages with the SDK. */
export const startSite = (port, pages = {}) => startProxy(port, { ...PAGES, ...pages });

/** Runs in the page. `follow` makes a client with one subscription, and a record of it. */
function recorder(Encke) {
  window.records = [];
  window.follow = ({ channel, since, url = '/', token, ...options }) => {
    const began = performance.now();
    const now = () => Math.round(performance.now() - began);
    const record = { got: [], gaps: [], states: [], errors: [], since: began };
    const encke = new Encke(url, { ...options, ...(token && { token: window[token] ?? (() => token) }) });
    encke.on('state', ({ state, transport }) => record.states.push({ at: now(), state, transport }));
    encke.on('gap', gap => record.gaps.push(gap));
    encke.on('error', ({ message }) => record.errors.push(message));
    record.encke = encke;
    record.subscription = encke.subscribe(channel, data => {
      record.first ??= now();
      record.got.push(data);
    }, { since });
    record.look = () => {
      const { got, gaps, states, errors, first = null } = record;
      const { state, transport } = encke;
      return { got, gaps, states, errors, first, state, transport, now: now(), place: record.subscription.cursor };
    };
    return records.push(record) - 1;
  };
}

/** Opens a page of the site, whose SDK has been loaded. `where` is for `open`; by default a profile of its own, so that it is seen. */
export async function openPage(open, site, where = { apart: true }) {
  const page = await open(`${site.url}/page`, where);
  await until('the SDK', () => page.evaluate(() => !!window.follow));
  return page;
}

/**
 * A client in this page. Options other than those of the SDK: `since`; `token` is the token itself, or the name of a function of the
 * page. It shares nothing by default.
 */
export async function followIn(page, channel, options = {}) {
  const at = await page.evaluate(options => window.follow(options), { share: false, ...options, channel });
  return new Client(page, at);
}

/** A client in a page of its own. */
export async function follow(open, site, channel, options, where) {
  return followIn(await openPage(open, site, where), channel, options);
}

/** One client in a page. */
class Client {
  constructor(page, at) {
    this.page = page;
    this.at = at;
  }

  /** What has come to it until now, and its state. */
  look() {
    return this.page.evaluate(at => records[at].look(), this.at);
  }

  /** Until everything that is published from now on comes. */
  ready() {
    return this.page.evaluate(at => records[at].subscription.ready, this.at);
  }

  /** Resolves to what it looks like when it `is` so. */
  async until(what, is, ms = 30_000) {
    let last;
    const tell = () => {
      const { got, ...rest } = last ?? { got: [] };
      return `${what}; ${got.length} came, the last ${got.at(-1)}; ${JSON.stringify(rest)}`;
    };
    return until(tell, async () => {
      // Pages that come back alive are away for the driver for a while.
      const seen = await this.look().catch(() => undefined);
      if (seen && is(last = seen)) return seen;
      await pause(40);
    }, ms);
  }

  /** Resolves when this transport is in use. */
  lands(transport, ms) {
    return this.until(`lands on ${transport}`, seen => seen.state === 'open' && seen.transport === transport, ms);
  }

  /** All numbers up to this one have come since it began at `from`: each once, in their order, and no gap. */
  async receives(end, { from = 0, ms } = {}) {
    const seen = await this.until(`receives ${from} to ${end - 1}`, ({ got }) => got.length >= end - from, ms);
    assert.deepEqual(seen.got, numbers(from, end));
    assert.deepEqual([seen.gaps, seen.errors], [[], []]);
    return seen;
  }
}

/** The numbers from one up to another, without it. */
export const numbers = (from, end) => Array.from({ length: end - from }, (_, at) => from + at);

/** What became of the numbers up to `end`. */
export function damage(got, end) {
  const distinct = new Set(got);
  return { lost: end - distinct.size, repeated: got.length - distinct.size, ordered: got.every((number, at) => !at || number > got[at - 1]) };
}

/** Publishes numbers to a channel. */
export class Numbers {
  next = 0;
  #stopped;

  constructor(gateway, channel) {
    this.gateway = gateway;
    this.channel = channel;
  }

  /** Publishes so many, at once. */
  async publish(count) {
    for (const end = this.next + count; this.next < end;) {
      const batch = numbers(this.next, Math.min(end, this.next + 100));
      await this.gateway.publishBatch(batch.map(data => ({ channel: this.channel, data })));
      this.next += batch.length;
    }
    return this.next;
  }

  /** Publishes one after another, so many milliseconds apart, until `stop`, which resolves to their count. */
  start(ms) {
    let going = true;
    const ended = (async () => {
      while (going) {
        await this.publish(1);
        await pause(ms);
      }
    })();
    ended.catch(() => {});
    this.stop = async () => {
      going = false;
      await ended;
      return this.next;
    };
  }
}

/** A table for `context.diagnostic`, lines of cells. */
export function print(context, rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map(row => String(row[at]).length)));
  for (const row of rows) context.diagnostic(row.map((cell, at) => String(cell).padEnd(widths[at])).join('  ').trimEnd());
}
