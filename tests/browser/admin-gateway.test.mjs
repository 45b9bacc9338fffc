// The admin page of a real gateway: what is seen there is so, and what is done there happens.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { NAMES } from './lib/hostile.mjs';
import { until } from './lib/wait.mjs';

const KEY = 'a-key-for-those-who-run-it';

let gateway;
before(async () => gateway = await startGateway(`[admin]\nkey = "${KEY}"\n[presence]\nchannels = ["chat.**"]\n`));
after(() => gateway?.stop());

/** Its polls need not be waited for, and it has the key. */
function hurry() {
  const real = setTimeout;
  window.setTimeout = (run, ms = 0, ...more) => real(run, ms >= 1000 ? ms / 20 : ms, ...more);
  if (location.protocol === 'http:') sessionStorage.setItem('encke-admin-key', 'a-key-for-those-who-run-it');
}

const open = (tabs, hash) => tabs.open(`${gateway.url}/admin${hash}`, { before: hurry });
const go = (page, hash) => page.evaluate(hash => { location.hash = hash; }, hash);
const rows = page => page.evaluate(() => [...document.querySelectorAll('tbody tr')].map(row => row.cells[0].textContent));
const text = page => page.evaluate(() => document.querySelector('main').innerText);
const says = (page, part) => until(async () => `${part} in ${await text(page)}`, async () => (await text(page)).includes(part));
const fill = (page, name, value) => page.evaluate((name, value) => {
  const field = document.querySelector(`[name=${name}]`);
  field.value = value;
  field.onchange?.();
}, name, value);

async function order(page, button, fields = {}) {
  await page.evaluate(button => [...document.querySelectorAll('#view button')].find(node => node.textContent === button).click(), button);
  for (const [name, value] of Object.entries(fields)) await fill(page, name, value);
  await page.evaluate(() => document.querySelector('#ask form').requestSubmit());
  await until(async () => `an open dialog: ${await page.evaluate(() => document.getElementById('ask').innerText)}`, () => page.evaluate(() => !document.getElementById('ask').open));
}

async function explained(page, seq) {
  await fill(page, 'seq', String(seq));
  await page.evaluate(() => { document.querySelector('.answer').textContent = ''; document.querySelector('.explain form').requestSubmit(); });
  return until('an answer', () => page.evaluate(() => document.querySelector('.answer').textContent));
}

/** A stream that is read until it ends. */
async function follow(query) {
  const answer = await fetch(`${gateway.url}/sse?${query}`);
  assert.equal(answer.status, 200);
  const stream = { text: '', ended: false };
  (async () => {
    const decoder = new TextDecoder();
    for await (const part of answer.body) stream.text += decoder.decode(part, { stream: true });
  })().catch(() => {}).finally(() => stream.ended = true);
  return stream;
}

forEachBrowser('a client is found, explained, kicked and disconnected', async tabs => {
  const [client, own, other] = [`app-${tabs.browser}`, `chat.${tabs.browser}`, `else.${tabs.browser}`];
  const stream = await follow(new URLSearchParams([['channel', own], ['channel', `more.${tabs.browser}`], ['client', client]]));
  const { seq: got } = await gateway.publish(own, 'one');
  const { seq: elsewhere } = await gateway.publish(other, 'two');
  await until('a message', () => stream.text.includes('"one"'));

  const page = await open(tabs, `#/channels/${own}`);
  for (const part of ['Members', client, 'sse', `#${got}`]) await says(page, part);
  await go(page, `#/clients?client=${client}`);
  await until('the client', async () => (await rows(page)).length === 1 && (await text(page)).includes(own));
  await go(page, `#/clients/${(await rows(page))[0].slice(1)}`);
  await says(page, client);
  assert.match(await explained(page, got), /^Yes\./);
  assert.match(await explained(page, elsewhere), /^No: it does not follow it\..*else\./);
  assert.match(await explained(page, 10 ** 15), /^There is no such message\./);

  await order(page, 'Kick…', { channel: own, whom: JSON.stringify({ client }), for: '10m' });
  await until('the order', () => /event: unsubscribed/.test(stream.text));
  await go(page, '#/bans');
  await until('the ban', async () => (await rows(page)).includes(`client ${client}`));
  const refused = await fetch(`${gateway.url}/poll?${new URLSearchParams({ channel: own, client })}`);
  assert.equal(refused.status, 403);
  await go(page, '#/refusals');
  await until('the refusal', async () => (await text(page)).includes(own));
  await go(page, '#/bans');
  await until('the ban', async () => (await rows(page)).includes(`client ${client}`));
  await order(page, 'Lift…');
  await until('no ban', async () => !(await rows(page)).includes(`client ${client}`));

  await go(page, `#/clients?client=${client}`);
  await until('the client', async () => (await rows(page)).length === 1);
  await go(page, `#/clients/${(await rows(page))[0].slice(1)}`);
  await says(page, client);
  await order(page, 'Disconnect…');
  await until('the end', () => stream.ended);
  await says(page, 'There is no live subscription of this number');
});

forEachBrowser('a channel is trimmed and deleted', async tabs => {
  const channel = `old.${tabs.browser}`;
  for (let n = 0; n < 5; n++) await gateway.publish(channel, n);
  const page = await open(tabs, `#/channels/${channel}`);
  await says(page, '5 messages');
  await order(page, 'Trim…', { keep: '2' });
  await says(page, '2 messages');
  await order(page, 'Delete…');
  await until('nothing retained', async () => {
    const answer = await fetch(`${gateway.url}/poll?${new URLSearchParams({ channel })}`);
    return (await answer.json()).messages.length === 0;
  });
});

forEachBrowser('channels with hostile names', async tabs => {
  // No path can have a segment of dots, and some names are reserved.
  const wanted = NAMES.filter((name, at) => at % 2 && name !== '.' && name !== '..');
  const results = await gateway.publishBatch(wanted.map(channel => ({ channel, data: channel })));
  const names = wanted.filter((_, at) => results[at].cursor);
  assert.ok(names.length > 60, `${names.length}`);
  const page = await open(tabs, '#/channels');
  for (const name of names) {
    await go(page, `#/channels/${encodeURIComponent(name)}`);
    await until(`the view of ${name}`, async () => {
      const title = await page.evaluate(() => !document.getElementById('view').classList.contains('new') && document.querySelector('#title bdi').textContent);
      return title && title.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) => String.fromCodePoint(parseInt(hex, 16))) === name;
    });
    assert.match(await text(page), /\d message/);
  }
  assert.equal(await page.evaluate(() => typeof window.hacked), 'undefined');
});
