// Clients that were written for other servers, in real browsers, on a gateway with `examples/seeds.toml` alone. Their code
// is that of `tests/seeds`, which Node runs too, and of the pages in `seeds`; only the host is another.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { root, startGateway } from './lib/gateway.mjs';
import { startProxy } from './lib/proxy.mjs';
import { until } from './lib/wait.mjs';

const read = path => readFileSync(join(root, path), 'utf8');
const CONFIG = read('examples/seeds.toml');
const SCRIPTS = ['polling', 'comet', 'listen', 'subscribe', 'echo', 'web'];
const COUNT = 50;

const page = read('tests/browser/seeds/script.html');
const pages = host => ({
  '/jquery.js': read('tests/browser/node_modules/jquery/dist/jquery.js'),
  '/seeds/browser.mjs': read('tests/browser/seeds/browser.mjs'),
  '/iframe.html': read('tests/browser/seeds/iframe.html'),
  '/chat.html': read('tests/browser/seeds/chat.html').replace('localhost:8000', host),
  ...Object.fromEntries(SCRIPTS.flatMap(name => [
    [`/${name}.html`, page.replaceAll('SCRIPT', `${name}.mjs`)],
    [`/seeds/${name}.mjs`, read(`tests/seeds/${name}.mjs`)],
  ])),
});

let gateway, site, elsewhere;
before(async () => {
  elsewhere = await startProxy(1);
  gateway = await startGateway(CONFIG.replace('origins = []', `origins = ["${elsewhere.url}"]`));
  site = await startProxy(gateway.port);
  site.pages = elsewhere.pages = pages(new URL(site.url).host);
});
after(() => {
  site?.stop();
  elsewhere?.stop();
  return gateway?.stop();
});

/** Each loop finds its number in this. */
const body = number => ({ message: number, messages: [number] });
const numbers = (word = '') => Array.from({ length: COUNT }, (_, at) => `${word}${at + 1}`);

/** What the page has shown, when it has shown `count` lines. */
async function shown(page, count) {
  const look = () => page.evaluate(() => lines);
  await until(async () => `${count} lines, only ${await look()}`, async () => (await look()).length >= count);
  return look();
}

/** Publishes the numbers, and waits here and there until they are shown, so that each loop goes round several times. */
async function publish(channel, page, { to = gateway, already = 0, pause = () => {} } = {}) {
  for (let number = 1; number <= COUNT; number++) {
    await to.publish(channel, body(number), { path: '/publish/', query: 'cid' });
    if (number % 10 !== 0) continue;
    await shown(page, already + number);
    await pause();
  }
  return shown(page, already + COUNT);
}

const follows = channel => until(`a subscriber of ${channel}`, () => gateway.subscribers(channel));

forEachBrowser('the polling loop', async ({ open }) => {
  // It begins with what is retained.
  await fetch(`${gateway.url}/channels/5`, { method: 'DELETE' });
  const page = await open(`${site.url}/polling.html`);
  assert.deepEqual(await publish('5', page), numbers());
});

forEachBrowser('the comet loop', async ({ open }) => {
  const page = await open(`${site.url}/comet.html`);
  await follows('5');
  assert.deepEqual(await publish('5', page), numbers());
});

forEachBrowser('the comet loop behind nginx', async ({ open }) => {
  const page = await open(`${site.url}/listen.html`);
  await follows('5');
  assert.deepEqual(await publish('5', page), numbers());
});

forEachBrowser('the loop of fetch', async ({ open }) => {
  const page = await open(`${site.url}/subscribe.html`);
  await follows('subscribe');
  assert.deepEqual(await publish('subscribe', page), numbers().map(number => JSON.stringify(body(Number(number)))));
});

forEachBrowser('the forever-iframe', async ({ open }) => {
  const page = await open(`${site.url}/iframe.html`);
  await follows('123');
  assert.deepEqual(await publish('123', page), numbers());
});

forEachBrowser('the forever-iframe, whose document ends', async ({ open }) => {
  const short = await startGateway(CONFIG.replace('callback = "handle"', 'callback = "handle"\nage = "100ms"'));
  const site = await startProxy(short.port, pages());
  try {
    const page = await open(`${site.url}/iframe.html`);
    await until('a subscriber', () => short.subscribers('123'));
    const again = () => {
      const requests = site.requests('/messages/');
      return until('another document', () => site.requests('/messages/') > requests);
    };
    assert.deepEqual(await publish('123', page, { to: short, pause: again }), numbers());
  } finally {
    site.stop();
    await short.stop();
  }
});

forEachBrowser('WebSockets that send and receive', async ({ open }) => {
  for (const path of ['echo', 'chat']) {
    const page = await open(`${site.url}/echo.html#${site.url},/${path}`, { apart: true });
    assert.deepEqual(await shown(page, 2), ['ws opened', 'ws message Hello WebSocket']);
    assert.deepEqual((await publish(path, page, { already: 2 })).slice(2), numbers('ws message '));
  }
});

forEachBrowser('the WebSocket of a page from elsewhere', async ({ open }) => {
  const page = await open(`${elsewhere.url}/echo.html#${site.url},/echo`);
  assert.deepEqual(await shown(page, 2), ['ws opened', 'ws message Hello WebSocket']);
});

forEachBrowser('the chat', async ({ open }) => {
  const page = await open(`${site.url}/chat.html`);
  await follows('test');
  await page.type('#messge', '{"message":"<b>hello</b>"}');
  await page.click('#send');
  assert.deepEqual(await shown(page, 1), ['<b>hello</b>']);
  assert.deepEqual((await publish('test', page, { already: 1 })).slice(1), numbers());
});

forEachBrowser('the WebSocket that greets', async ({ open }) => {
  const page = await open(`${site.url}/web.html`);
  assert.deepEqual(await shown(page, 3), [
    '[open] Соединение установлено',
    'Отправляем данные на сервер',
    '[message] Данные получены с сервера: Hello server',
  ]);
});
