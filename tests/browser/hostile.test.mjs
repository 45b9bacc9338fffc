// What attackers publish is shown as it is, by each page and over each transport: nothing of it runs. That no page has
// raised an error, a dialog or a violation of its policy is seen to for every test.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { DATA, NAMES } from './lib/hostile.mjs';
import { until } from './lib/wait.mjs';

// To add a page: its address for a channel; whether it is ready for what is published there, and the texts that it shows by
// now, oldest first, in each of its views (both functions run in the page); and how many views there are, with how many rows.
const PAGES = [
  {
    name: 'the start page',
    address: channel => `/#${encodeURIComponent(channel)}`,
    ready: channel => document.getElementById('channel').value === channel
      && [...document.querySelectorAll('#cards section')].every(card => card.dataset.state === 'live'),
    shown: () => [...document.querySelectorAll('#cards section')].map(card =>
      [...card.querySelectorAll('li')].map(row => row.querySelector('.text')?.textContent ?? row.textContent).reverse()),
    views: 5,
    rows: 8,
  },
];

let gateway;
before(async () => gateway = await startGateway());
after(() => gateway?.stop());

/** Its polls need not be waited for, nor its retries. */
function hurry() {
  if (self !== top) return;
  const real = setTimeout;
  window.setTimeout = (run, ms = 0, ...more) => real(run, ms > 100 ? ms / 50 : ms, ...more);
}

const textOf = data => typeof data === 'string' ? data : JSON.stringify(data);

/** Publishes all to the channel that the page follows, as many at a time as it shows, and looks at each. */
async function show({ ready, rows, shown, views }, page, channel, messages) {
  await until(`ready for ${channel}`, () => page.evaluate(ready, channel));
  for (let at = 0; at < messages.length; at += rows) {
    const batch = messages.slice(at, at + rows);
    for (const { cursor, detail } of await gateway.publishBatch(batch.map(message => ({ channel, ...message })))) {
      assert.ok(cursor, detail);
    }
    const expected = JSON.stringify(batch.map(({ data }) => textOf(data)));
    let seen;
    await until(() => `${expected} in ${views} views: ${seen.join('\n')}`, async () => {
      seen = (await page.evaluate(shown)).map(texts => JSON.stringify(texts.slice(-batch.length)));
      return seen.length >= views && seen.every(texts => texts === expected);
    });
  }
  const hacked = await Promise.all(page.frames().map(frame => frame.evaluate(() => typeof window.hacked)));
  assert.deepEqual(new Set(hacked), new Set(['undefined']));
}

test('there are enough of them', () => assert.ok(DATA.length >= 200 && NAMES.length >= 100, `${DATA.length}, ${NAMES.length}`));

for (const about of PAGES) {
  const open = (tabs, channel) => tabs.open(gateway.url + about.address(channel), { before: hurry });

  forEachBrowser(`${about.name} shows hostile data`, async tabs => {
    const channel = `data-${tabs.browser}`;
    const page = await open(tabs, channel);
    await show(about, page, channel, DATA.map(data => ({ data })));
  });

  forEachBrowser(`${about.name} shows messages with hostile names`, async tabs => {
    const channel = `names-${tabs.browser}`;
    const page = await open(tabs, channel);
    const named = names => names.map(name => ({ name, data: name }));
    // EventSource hides what nobody listens for, so a page begins again when it has learnt a name by other transports. In
    // the meantime nothing may come that it does listen for, as these, of which two are sent as `message`.
    const known = ['message', 'gap', 'open', 'error'];
    await show(about, page, channel, named(known));
    await show(about, page, channel, named(NAMES.filter(name => !known.includes(name))));
  });

  forEachBrowser(`${about.name} follows channels with hostile names`, async tabs => {
    const page = await open(tabs, 'first');
    // Channels that begin so are not for everybody.
    const names = NAMES.map(name => name.replace(/^[@$]/, 'x$&'));
    for (const name of names.filter((_, at) => at % 8 === 0)) {
      await page.evaluate(address => location.assign(address), about.address(name));
      await show(about, page, name, [{ data: name }]);
    }
  });
}
