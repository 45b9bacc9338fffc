// The admin page before an API with 100,000 channels and as many clients: more than a test could open on a gateway.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Mock } from './admin-mock.mjs';
import { forEachBrowser, hide } from './lib/browsers.mjs';
import { NAMES } from './lib/hostile.mjs';
import { until } from './lib/wait.mjs';

const mocks = [];
async function serve(options) {
  const mock = await new Mock(options).listen();
  mocks.push(mock);
  return mock;
}

let large;
before(async () => large = await serve());
after(() => Promise.all(mocks.map(mock => mock.stop())));

/** Its polls need not be waited for. */
function hurry() {
  const real = setTimeout;
  window.setTimeout = (run, ms = 0, ...more) => real(run, ms >= 1000 ? ms / 20 : ms, ...more);
}

const open = (tabs, mock, hash, more) => tabs.open(`${mock.url}/admin${hash}`, { before: hurry, ...more });
const text = page => page.evaluate(() => document.querySelector('main').innerText);
const rows = page => page.evaluate(() => [...document.querySelectorAll('tbody tr')].map(row => row.cells[0].textContent));
const says = (page, part) => until(async () => `${part} in ${await text(page)}`, async () => (await text(page)).includes(part));
const heading = (page, title) => until(title, () => page.evaluate(title => document.title === `${title} · encke admin`, title));
const click = (page, selector, name) => page.evaluate((selector, name) =>
  [...document.querySelectorAll(selector)].find(node => node.textContent.trim() === name).click(), selector, name);
const fill = (page, name, value) => page.evaluate((name, value) => { document.querySelector(`[name=${name}]`).value = value; }, name, value);
const submit = (page, form) => page.evaluate(form => document.querySelector(form).requestSubmit(), form);
const asked = dialog => dialog.evaluate(() => document.getElementById('ask').open);
const said = (page, part) => until(part, () => page.evaluate(part => document.getElementById('said').textContent.includes(part), part));

forEachBrowser('the node at a glance', async tabs => {
  const page = await open(tabs, large, '');
  for (const part of ['serving', '7f3k2q9x', '100,000 of 250,000', '45,000 · 45 %', '92,000 of 110,000', 'webhook orders lag']) await says(page, part);
  assert.equal((await rows(page)).length, 8 + 8 + 8);
  // It draws what it has seen: a line is more than a place.
  await until('a line', () => page.evaluate(() => [...document.querySelectorAll('.plot .line')].every(line => /L.*L/.test(line.getAttribute('d')))));
  const label = await page.evaluate(() => document.querySelector('.plot svg').getAttribute('aria-label'));
  assert.match(label, /^Published: now [\d,.]+ messages a second; in the last 5 minutes from/);
});

forEachBrowser('100,000 channels by pages', async tabs => {
  const page = await open(tabs, large, '#/channels');
  await says(page, '1–50 of 100,000');
  const first = await rows(page);
  assert.deepEqual(first, large.names.slice(0, 50));
  await click(page, '.pager a', 'Next');
  await says(page, '51–100 of 100,000');
  assert.deepEqual(await rows(page), large.names.slice(50, 100));
  await page.evaluate(() => [...document.querySelectorAll('.pager a')].find(link => link.textContent === 'Next').focus());
  for (const part of ['101–150', '151–200']) {
    await page.keyboard.press('Enter');
    await says(page, `${part} of 100,000`);
    await until('the same link', () => page.evaluate(() => document.activeElement.textContent === 'Next'));
  }
  for (const part of ['101–150', '51–100', '1–50']) {
    await click(page, '.pager a', 'Previous');
    await says(page, `${part} of 100,000`);
  }
  assert.deepEqual(await rows(page), first);
});

forEachBrowser('channels by pattern, place and order', async tabs => {
  const page = await open(tabs, large, '#/channels');
  await until('rows', async () => (await rows(page)).length);
  await fill(page, 'pattern', 'orders.*.nobody');
  await submit(page, 'form.search');
  await until('no row', async () => (await rows(page)).length === 0);
  await says(page, 'No channel matches.');
  await page.evaluate(() => { location.hash = '#/channels?pattern=orders.**'; });
  await until('orders', async () => (await rows(page)).length && (await rows(page)).every(name => name.startsWith('orders.')));
  await page.evaluate(() => { location.hash = '#/channels?from=n'; });
  const place = large.names.findIndex(name => name >= 'n');
  await until('names from n', async () => (await rows(page))[0] === large.names[place]);
  await click(page, 'th button', 'Per second');
  await until('the busiest', async () => page.evaluate(() => {
    const rates = [...document.querySelectorAll('tbody tr')].map(row => Number(row.cells[2].textContent.replaceAll(',', '')));
    return rates.length === 50 && rates[0] > 20 && document.querySelector('[aria-sort=descending]')?.textContent === 'Per second';
  }));
  await click(page, '.pager a', 'Next');
  await says(page, '51–100 of 100,000');
});

forEachBrowser('one channel: who is there, trim and delete', async tabs => {
  const mock = await serve({ channels: 50, clients: 50 });
  const name = mock.names[6];
  const page = await open(tabs, mock, `#/channels/${name}`);
  await heading(page, name);
  for (const part of ['Clients that follow it', `#${mock.channel(name).trimmed.split('-')[1]}`]) await says(page, part);
  await click(page, '.orders button', 'Delete…');
  await click(page, '#ask button', 'Cancel');
  assert.deepEqual(mock.orders, []);
  await click(page, '.orders button', 'Trim…');
  await fill(page, 'keep', '7');
  await submit(page, '#ask form');
  await said(page, '12 messages');
  await click(page, '.orders button', 'Delete…');
  await submit(page, '#ask form');
  await said(page, 'are removed');
  assert.deepEqual(mock.orders, [['POST', `channels ${name} trim`, { keep: 7 }], ['DELETE', `channels ${name}`, undefined]]);
  await says(page, 'There is nothing of this name now.');
});

forEachBrowser('one client of 100,000, and why it did not get a message', async tabs => {
  const page = await open(tabs, large, '#/clients');
  await says(page, '1–50 of 100,000');
  await fill(page, 'subject', 'user 1027');
  await submit(page, 'form.search');
  await until('the one', async () => (await rows(page)).join() === '#55');
  await page.evaluate(() => { location.hash = '#/clients/55'; });
  await heading(page, 'Client #55');
  for (const part of ['user 1027', 'app-1j', 'it was too slow', '$notices']) await says(page, part);
  await fill(page, 'seq', '#4100042');
  await submit(page, '.explain form');
  await says(page, 'No: it does not follow it.');
  await fill(page, 'seq', '4100043');
  await submit(page, '.explain form');
  await says(page, 'Yes. It was written to its ws, which has read up to 4100050.');
});

forEachBrowser('a client is kicked, revoked and disconnected, and a ban is lifted', async tabs => {
  const mock = await serve({ channels: 50, clients: 100 });
  const page = await open(tabs, mock, '#/clients/55');
  await says(page, 'user 1027');
  const order = async (button, fields) => {
    await click(page, '.orders button', button);
    for (const [name, value] of Object.entries(fields)) {
      await fill(page, name, value);
      await page.evaluate(name => document.querySelector(`[name=${name}]`).onchange?.(), name);
    }
    await submit(page, '#ask form');
    const told = () => page.evaluate(() => document.getElementById('ask').innerText);
    await until(async () => `it is done, which says: ${await told()}`, async () => !await asked(page), 30_000);
  };
  const whom = { subject: 'user 1027' };
  await order('Kick…', { channel: 'news.**' });
  await order('Kick…', { channel: 'news.**', whom: JSON.stringify(whom), for: '10m' });
  await order('Revoke…', { whom: JSON.stringify(whom), for: '1h' });
  await order('Disconnect…', {});
  await says(page, 'There is nothing of this name now.');
  await page.evaluate(() => { location.hash = '#/bans'; });
  await until('two bans', async () => (await rows(page)).join() === 'subject user 1027,subject user 1027');
  await click(page, 'tbody tr:first-child button', 'Lift…');
  await submit(page, '#ask form');
  await until('one ban', async () => (await rows(page)).length === 1);
  assert.deepEqual(mock.orders, [
    ['POST', 'unsubscribe', { whom: { subscription: 55 }, channels: ['news.**'] }],
    ['POST', 'kick', { whom, channel: 'news.**', for: '10m' }],
    ['POST', 'revoke', { whom, for: '1h' }],
    ['POST', 'clients 55 disconnect', undefined],
    ['DELETE', 'bans 1', undefined],
  ]);
});

forEachBrowser('the key is asked for once, and stays in its tab', async tabs => {
  const key = 'a-key-of-no-short-length';
  const mock = await serve({ channels: 50, clients: 50, key });
  const page = await open(tabs, mock, '#/channels');
  const give = async text => {
    await until('the question', () => page.evaluate(() => document.querySelector('#ask [name=key]')?.value === ''));
    await fill(page, 'key', text);
    await submit(page, '#ask form');
  };
  await give('a-wrong-one');
  await until('a refusal', () => page.evaluate(() => document.getElementById('ask').innerText.includes('not accepted')));
  await give(key);
  await says(page, '1–50 of 50');
  await page.reload();
  await says(page, '1–50 of 50');
  assert.ok(mock.asked.every(line => !line.includes(key)), 'the key stands in an address');
  assert.equal(await page.evaluate(key => JSON.stringify({ ...localStorage, cookie: document.cookie }).includes(key), key), false);
  const other = await open(tabs, mock, '#/channels', { apart: true });
  await until('the question', () => asked(other));
  await page.bringToFront();
  await click(page, '#link button', 'Forget key');
  await until('the question', () => asked(page));
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

forEachBrowser('hostile names are text', async tabs => {
  const names = NAMES.filter(name => name !== '.' && name !== '..');
  const mock = await serve({ channels: names.length, clients: names.length, names, subjects: names });
  const page = await open(tabs, mock, '#/channels');
  await until('names', async () => (await rows(page)).length);
  // What is seen says exactly what the name is: the unseen is written as its number.
  const plain = shown => shown.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) => String.fromCodePoint(parseInt(hex, 16)));
  const links = () => page.evaluate(() => [...document.querySelectorAll('tbody a')].map(link => link.getAttribute('href')));
  const seen = [];
  for (let at = 0; at < names.length; at += 50) {
    const expected = mock.names.slice(at, at + 50);
    await until(`the page of ${expected[0]}`, async () => (await rows(page)).map(plain)[0] === expected[0]);
    seen.push(...(await rows(page)).map(plain));
    assert.deepEqual(await links(), expected.map(name => `#/channels/${encodeURIComponent(name)}`));
    await click(page, '.pager a', 'Next');
  }
  assert.deepEqual(seen, mock.names);
  for (const name of names.filter((_, at) => at % 4 === 0)) {
    await page.evaluate(hash => { location.hash = hash; }, `#/channels/${encodeURIComponent(name)}`);
    await until(`the channel ${name}`, async () => plain(await page.evaluate(() => document.querySelector('#title bdi').textContent)) === name);
    await until('its clients', async () => (await rows(page)).length);
  }
  for (const view of ['#/', '#/clients', '#/clients/7', '#/refusals']) {
    await page.evaluate(hash => { location.hash = hash; }, view);
    await until(`rows of ${view}`, async () => (await rows(page)).length);
  }
  assert.equal(await page.evaluate(() => typeof window.hacked), 'undefined');
});

forEachBrowser('a page that nobody sees asks for nothing', async tabs => {
  const mock = await serve({ channels: 50, clients: 50 });
  const page = await open(tabs, mock, '#/channels');
  await until('polls', () => mock.asked.filter(line => line.includes('/api/channels')).length > 3);
  const show = await hide(page);
  await until('a pause', () => page.evaluate(() => document.getElementById('state').textContent === 'paused'));
  const before = mock.asked.length;
  await page.evaluate(() => new Promise(done => { let ticks = 0; const timer = setInterval(() => { if (++ticks === 3) clearInterval(timer), done(); }, 200); }));
  assert.deepEqual(mock.asked.slice(before), []);
  await show();
  await until('polls again', () => mock.asked.length > before + 3);
}, { only: 'chromium' });

forEachBrowser('a node that is away is told, and found again', async tabs => {
  const mock = await serve({ channels: 50, clients: 50 });
  const page = await open(tabs, mock, '#/channels');
  await says(page, '1–50 of 50');
  const { port } = mock.server.address();
  await mock.stop();
  await until('the problem', () => page.evaluate(() => document.getElementById('link').dataset.state === 'lost' && !document.getElementById('problem').hidden));
  assert.equal((await rows(page)).length, 50, 'what was known stays');
  await mock.listen(port);
  await until('the node', () => page.evaluate(() => document.getElementById('link').dataset.state === 'live' && document.getElementById('problem').hidden));
});
