// A page on a bad day: while numbers are published to it and by it, connections are cut and faults come and go, as a seed has it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { follow, Numbers, numbers as range, print, startSite } from './lib/sdk.mjs';
import { until } from './lib/wait.mjs';

const SEEDS = process.env.ENCKE_SEED ? [Number(process.env.ENCKE_SEED)] : [1, 2, 3, 4];
const MESSAGES = 2000;
const OWN = 200;

const PATHS = ['/ws', '/sse', '/longpoll', '/poll', '/publish', '*'];
const FAULTS = [{ upgrade: 502 }, { status: 502 }, { hole: true }, { buffer: 'body' }, { buffer: 'all' }, { delay: 100 }, { idle: 300 }];

let gateway;
before(async () => gateway = await startGateway('log = { retention = { count = 5000 } }'));
after(() => gateway?.stop());

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed) {
  return () => {
    seed = seed + 0x6D2B79F5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** One thing that goes wrong, or is good again. */
async function disturb(site, random) {
  const choose = list => list[Math.floor(random() * list.length)];
  const what = random();
  if (what < 0.3) {
    site.cut();
  } else if (what < 0.4) {
    site.refuse();
    site.cut();
    await pause(random() * 500);
    await site.accept();
  } else if (what < 0.75) {
    site.fault(choose(PATHS), choose(FAULTS));
  } else if (what < 0.9) {
    site.fault(choose(PATHS), null);
  } else {
    site.heal();
  }
}

/** In the page: publishes numbers, and keeps the answers. */
function publish(channel, numbers) {
  window.receipts ??= [];
  for (const number of numbers) {
    records[0].encke.publish(channel, number)
      .then(receipt => receipts[number] = receipt, error => receipts[number] = { error: error.message });
  }
}

const table = [['seed', 'browser', 'messages', 'published by the page', 'repeated answers', 'disturbances', 'states', 'transports', 'all came', 'all answered']];

async function run(open, browser, seed) {
  const random = generator(seed);
  const site = await startSite(gateway.port);
  const numbers = new Numbers(gateway, `to ${seed} ${browser}`);
  const own = `by ${seed} ${browser}`;
  let disturbances = 0;
  try {
    const client = await follow(open, site, numbers.channel, { since: 'earliest', pollInterval: 300, heartbeat: 2000 });
    await client.ready();
    let published = 0;
    while (numbers.next < MESSAGES) {
      await numbers.publish(Math.min(MESSAGES - numbers.next, 1 + Math.floor(random() ** 2 * 60)));
      const more = range(published, published = Math.ceil(OWN * numbers.next / MESSAGES));
      await client.page.evaluate(publish, own, more);
      await disturb(site, random);
      disturbances++;
      await pause(random() * 200);
    }
    site.heal();
    // The bad day is over, and the browser says so: nobody need wait for a retry that may be half a minute away.
    await client.page.evaluate(() => dispatchEvent(new Event('online')));
    const seen = await client.receives(MESSAGES);

    const answers = () => client.page.evaluate(() => receipts.map(receipt => receipt ?? null));
    const missing = async () => OWN - (await answers()).filter(Boolean).length;
    await until(async () => `${await missing()} publishes without an answer`, async () => !await missing(), 30_000);
    const receipts = await answers();
    const { now } = await client.look();
    const repeated = receipts.filter(receipt => receipt.repeated).length;
    const { messages } = await (await fetch(`${gateway.url}/poll?${new URLSearchParams({ channel: own })}`)).json();
    assert.deepEqual(messages.map(({ data }) => data), range(0, OWN));
    assert.deepEqual(receipts.map(({ seq, error }) => error ?? seq), messages.map(({ seq }) => seq));
    const used = new Set(seen.states.map(({ transport }) => transport).filter(Boolean));
    table.push([seed, browser, seen.got.length, messages.length, repeated, disturbances, seen.states.length, [...used].join(' '), `${seen.now} ms`, `${now} ms`]);
  } finally {
    site.stop();
  }
}

describe('endurance', { concurrency: 4 }, () => {
  for (const seed of SEEDS) forEachBrowser(`seed ${seed}`, ({ open, browser }) => run(open, browser, seed), { timeout: 120_000 });
});

test('what it was', context => print(context, table));
