// The example applications, as people use them. That no page has raised an error, a dialog or a violation of its policy is
// seen to for every test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { forEachBrowser } from './lib/browsers.mjs';
import { startExample } from './lib/example.mjs';
import { root } from './lib/gateway.mjs';
import { DATA, NAMES, TEXTS } from './lib/hostile.mjs';
import { until } from './lib/wait.mjs';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 800 };
/** Of each kind. */
const HOSTILE = 120;
/** So many updates come while a page is frozen. */
const FROZEN = 20_000;
const INSTRUMENTS = readFileSync(join(root, 'examples/quotes/src/names.txt'), 'utf8').trim().split('\n').sort();

let chat, quotes;
before(async () => {
  [chat, quotes] = await Promise.all([startExample('chat'), startExample('quotes')]);
});
after(() => Promise.all([chat?.stop(), quotes?.stop()]));

const text = (page, selector) => page.evaluate(selector => document.querySelector(selector).textContent, selector);
const says = (page, selector, wanted) => {
  let seen;
  return until(() => `${wanted} in ${selector}: ${seen}`, async () => (seen = await text(page, selector)) === wanted);
};
const count = async (page, name) => Number((await text(page, `[data-count=${name}]`)).replaceAll(',', ''));
const line = page => page.evaluate(() => ({ ...document.getElementById('line').dataset }));

/** Until the page is connected, by this transport. */
const lands = (page, transport) => until(async () => `${transport}: ${JSON.stringify(await line(page))}`, async () => {
  const seen = await line(page);
  return seen.state === 'open' && (!transport || seen.transport === transport);
});

/** In front, as people do: Firefox keeps tabs waiting that nobody sees. */
async function click(page, selector) {
  await page.bringToFront();
  await page.click(selector);
}

/** Sets a field at once. */
const fill = (page, selector, value) => page.evaluate((selector, value) => {
  const field = document.querySelector(selector);
  field.value = value;
  field.dispatchEvent(new Event('input'));
  field.dispatchEvent(new Event('change'));
}, selector, value);

async function isHarmless(page) {
  assert.equal(await page.evaluate(() => typeof window.hacked), 'undefined');
  assert.deepEqual(await page.evaluate(() => [location.pathname, document.scripts.length, document.images.length, frames.length]), ['/', 1, 0, 0]);
}

/** With everything open, there is nothing beside the page. */
async function fits(page) {
  await page.setViewport(NARROW);
  await until('a narrow page', () => page.evaluate(() => innerWidth === 390 && !document.getElementById('line').open));
  await click(page, 'summary');
  await until('no horizontal scroll', () => page.evaluate(() => document.scrollingElement.scrollWidth <= 390));
}

/* Chat. */

/** Somebody in a room, in a profile of his own, so that his page is seen. */
async function enter(open, room, name) {
  const page = await open(`${chat.url}/#${encodeURIComponent(room)}`, { apart: true, viewport: WIDE });
  await lands(page);
  await fill(page, '#name', name);
  return page;
}

async function type(page, words) {
  await page.bringToFront();
  await page.type('#text', words);
}

async function say(page, words) {
  await type(page, words);
  await page.keyboard.press('Enter');
}

const log = page => page.evaluate(() => [...document.querySelectorAll('#log li')].map(li =>
  li.dataset.gap ? `gap: ${li.dataset.gap}` : li.querySelector('.text').textContent));
const numbersOf = page => page.evaluate(() => [...document.querySelectorAll('#log li')].map(li => Number(li.dataset.seq)));
const pending = page => page.evaluate(() => [...document.querySelectorAll('#pending li')].map(li =>
  [li.querySelector('.text').textContent, li.dataset.state]));

/** Until the log is this one. */
async function hears(page, wanted) {
  let seen;
  await until(() => `${wanted}: ${seen}`, async () => JSON.stringify(seen = await log(page)) === JSON.stringify(wanted), 20_000);
}

/** What this page wrote was stored once and came once. */
async function isEven(page, written) {
  await until('arrived', async () => await count(page, 'arrived') === written);
  await until('nothing pending', async () => (await pending(page)).length === 0);
  const counts = await Promise.all(['written', 'stored', 'twice', 'gaps'].map(name => count(page, name)));
  assert.deepEqual(counts, [written, written, 0, 0]);
}

forEachBrowser('chat: history, names, who is here, who types', async ({ browser, open }) => {
  const room = `names-${browser}`;
  const ann = await enter(open, room, 'Ann');
  await say(ann, 'the first');
  await hears(ann, ['the first']);

  const bob = await enter(open, room, 'Bob');
  await hears(bob, ['the first']);
  await says(ann, '#people', 'Here: Ann (you), Bob');
  await says(bob, '#people', 'Here: Ann, Bob (you)');
  assert.deepEqual(await Promise.all([ann, bob].map(page => text(page, '#log .by b'))), ['You', 'Ann']);

  await type(bob, 'hal');
  await says(ann, '#typing', 'Bob is typing…');
  await say(bob, 'lo');
  await hears(ann, ['the first', 'hallo']);
  await says(ann, '#typing', '');
  await type(ann, 'never sent');
  await says(bob, '#typing', 'Ann is typing…');
  await says(bob, '#typing', '');
  await fill(ann, '#text', '');

  await fill(bob, '#open-name', 'Elsewhere');
  await click(bob, '#open button');
  await says(bob, '#title', 'elsewhere');
  await says(ann, '#people', 'Here: Ann (you)');
  await say(ann, 'is he gone?');
  await says(bob, `#channels a[href="#${room}"] .unread`, '1 new');
  await click(bob, `#channels a[href="#${room}"]`);
  await hears(bob, ['the first', 'hallo', 'is he gone?']);
  await isEven(ann, 2);
  await isEven(bob, 1);
});

forEachBrowser('chat: a message without a line waits, and arrives once', async ({ browser, open }) => {
  const room = `plug-${browser}`;
  const [ann, bob] = [await enter(open, room, 'Ann'), await enter(open, room, 'Bob')];
  await click(ann, '#plug');
  await until('no line', async () => (await line(ann)).state !== 'open');
  await say(ann, 'from the dark');
  await say(bob, 'in the light');
  await hears(bob, ['in the light']);
  assert.deepEqual(await pending(ann), [['from the dark', 'pending']]);
  assert.equal(await ann.evaluate(() => document.getElementById('plug').ariaPressed), 'true');

  await click(ann, '#plug');
  for (const page of [ann, bob]) await hears(page, ['in the light', 'from the dark']);
  await isEven(ann, 1);

  await click(ann, '#lose');
  await say(ann, 'no answer');
  for (const page of [ann, bob]) await hears(page, ['in the light', 'from the dark', 'no answer']);
  await isEven(ann, 2);
  assert.equal(await count(ann, 'repeated'), 1);
  assert.equal(await ann.evaluate(() => document.getElementById('lose').ariaPressed), 'false');
  await isEven(bob, 1);
});

forEachBrowser('chat: transports change while people talk', async ({ browser, open }) => {
  const room = `change-${browser}`;
  const [ann, bob] = [await enter(open, room, 'Ann'), await enter(open, room, 'Bob')];
  let going = true, written = 0;
  const talk = (async () => {
    // The page shows 200.
    for (; going && written < 95; written++) {
      for (const [page, name] of [[ann, 'Ann'], [bob, 'Bob']]) await page.evaluate(words => {
        document.getElementById('text').value = words;
        document.getElementById('say').requestSubmit();
      }, `${name} ${written}`);
      await pause(50);
    }
  })();
  for (const transport of ['sse', 'poll', 'longpoll', 'ws', 'auto']) {
    await click(ann, `input[name=transport][value=${transport}]`);
    await lands(ann, transport === 'auto' ? 'ws' : transport);
    const before = (await log(ann)).length;
    await until(`something by ${transport}`, async () => written >= 95 || (await log(ann)).length > before);
  }
  going = false;
  await talk;
  for (const page of [ann, bob]) await isEven(page, written);
  const expected = name => Array.from({ length: written }, (_, at) => `${name} ${at}`);
  await until('all with Bob', async () => (await log(bob)).length === 2 * written);
  const heard = await log(ann);
  assert.deepEqual(heard, await log(bob));
  for (const name of ['Ann', 'Bob']) assert.deepEqual(heard.filter(words => words.startsWith(name)), expected(name));
  const seqs = await numbersOf(ann);
  assert.deepEqual(seqs, seqs.toSorted((a, b) => a - b));
});

forEachBrowser('chat: hostile messages, names and rooms', async ({ browser, open }) => {
  const room = `hostile-${browser}`, channel = `chat.${room}`;
  const ann = await enter(open, room, 'Ann');
  const texts = TEXTS.slice(0, HOSTILE);
  const publish = async messages => {
    for (const { cursor, detail } of await chat.publishBatch(messages)) assert.ok(cursor, detail);
  };
  // Each in each place, and whatever is no message of this chat.
  const messages = texts.map(text => ({ channel, data: { id: `${browser}${text}`, from: text, name: text, text } }));
  await publish(messages.slice(0, 100));
  await publish(messages.slice(100));
  const odd = DATA.filter(data => typeof data !== 'string').slice(0, 100);
  await publish(odd.map(data => ({ channel, data })));
  await publish(odd.slice(0, 50).flatMap(data => [
    { channel, data: { id: data, from: data, name: data, text: data } },
    { channel: `${channel}.here`, data },
  ]));
  await hears(ann, texts);
  assert.deepEqual(await ann.evaluate(() => [...document.querySelectorAll('#log b')].map(b => b.textContent)), texts);

  // And typed, as far as a field takes it.
  await say(ann, TEXTS[0]);
  await hears(ann, [...texts, TEXTS[0]]);
  for (const name of texts) await fill(ann, '#name', name);

  const people = texts.slice(0, 100).map(name => ({ channel: `${channel}.here`, data: { from: name, name, types: true } }));
  await publish(people);
  await until('all of them', async () => {
    const here = await text(ann, '#people');
    return texts.slice(0, 100).every(name => here.includes(name));
  });
  await publish([{ channel: `${channel}.here`, data: { from: 'x', name: texts[0], types: true } }]);

  const rooms = NAMES.filter(name => !/[.*]/.test(name) && Buffer.byteLength(name) < 250).slice(0, HOSTILE);
  for (let at = 0; at < rooms.length; at += 60) {
    const messages = rooms.slice(at, at + 60).map(name =>
      ({ channel: `chat.${name}`, data: { id: `${browser} ${name}`, from: 'x', name: 'x', text: name } }));
    await publish(messages);
  }
  const shown = () => ann.evaluate(() => [...document.querySelectorAll('#channels .called')].map(({ textContent }) => textContent));
  await until('all rooms', async () => {
    const names = new Set(await shown());
    return rooms.every(name => names.has(name));
  });
  for (const name of rooms.filter((_, at) => at % 12 === 0)) {
    await ann.evaluate(name => [...document.querySelectorAll('#channels a')].find(a => a.firstChild.textContent === name).click(), name);
    await says(ann, '#title', name);
    await until(name, async () => (await log(ann)).includes(name));
  }
  await isHarmless(ann);
  await fits(ann);
});

/* Quotes. */

async function watch(open) {
  const page = await open(quotes.url, { apart: true, viewport: WIDE });
  await lands(page, 'sse');
  await until('200 instruments', async () => await count(page, 'instruments') === 200);
  return page;
}

/** Until these are the rows; each has been drawn when its turn has come. */
async function shows(page, names) {
  let seen;
  await until(() => `${names}: ${seen}`, async () => {
    seen = await page.evaluate(() => [...document.querySelectorAll('#rows tr:not([hidden])')].map(tr => tr.dataset.name));
    return seen.join() === names.join();
  });
}

forEachBrowser('quotes: a page that was frozen loses nothing', async ({ open }, context) => {
  const page = await watch(open);
  const came = await count(page, 'all');
  await click(page, '#freeze');
  await until('twenty thousand updates', async () => await count(page, 'all') >= came + FROZEN, 40_000);
  assert.deepEqual(await Promise.all(['lost', 'twice'].map(name => count(page, name))), [0, 0]);
  context.diagnostic(`${await count(page, 'received')} a second, ${await count(page, 'gaps')} gaps`);
  assert.ok(await count(page, 'frames') > 0);
  assert.ok(await count(page, 'drawn') > 0);
});

forEachBrowser('quotes: filter, order, selection, the chart', async ({ open }) => {
  const page = await watch(open);
  const chosen = name => until(`${name} is chosen`, () => page.evaluate(name =>
    [...document.querySelectorAll('#rows [aria-selected=true]')].map(tr => tr.dataset.name).join() === name
      && document.activeElement.dataset.name === name && document.getElementById('chosen-name').textContent === name, name));
  await click(page, '#rows tr');
  await chosen(INSTRUMENTS[0]);
  for (const [key, at] of [['ArrowDown', 1], ['ArrowDown', 2], ['ArrowUp', 1], ['End', 199], ['ArrowDown', 199], ['Home', 0], ['ArrowUp', 0]]) {
    await page.keyboard.press(key);
    await chosen(INSTRUMENTS[at]);
  }
  await page.keyboard.press('PageDown');
  const far = await text(page, '#chosen-name');
  assert.ok(INSTRUMENTS.indexOf(far) > 2);
  await chosen(far);
  await page.keyboard.press('PageUp');
  await chosen(INSTRUMENTS[0]);
  await until('a label', () => page.evaluate(name => {
    const label = document.getElementById('chart').ariaLabel;
    return label.startsWith(`${name},`) && /from \d+\.\d\d to \d+\.\d\d, now \d+\.\d\d$/.test(label);
  }, INSTRUMENTS[0]));

  await page.type('#filter', 'AN');
  const found = INSTRUMENTS.filter(name => /an/i.test(name));
  await says(page, '#found', `${found.length} of 200 shown`);
  await shows(page, found);
  await click(page, '[data-sort=name]');
  await shows(page, found.toReversed());
  await click(page, '[data-sort=name]');
  await shows(page, found);

  for (const words of TEXTS) await fill(page, '#filter', words);
  await fill(page, '#filter', TEXTS[0]);
  await says(page, '#found', 'No of 200 shown');
  await isHarmless(page);
  await fits(page);
});
