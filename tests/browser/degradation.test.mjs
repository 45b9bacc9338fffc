// Something on the way lets less through than it should. The client lands on the best transport that works, nothing is lost or
// repeated on the way down, and when the fault is gone it climbs back to the best of all.
import { after, before, describe, test } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { damage, follow, Numbers, print, startSite } from './lib/sdk.mjs';

const NO_WS = { '/ws': { upgrade: 502 } };
const NO_SSE = { ...NO_WS, '/sse': { status: 502 } };
const IDLE = { '*': { idle: 2000 } };
// Pages that are not seen are told the time once a second, and so are late with what they say.
const IDLE_LATE = { '*': { idle: 3000 } };

/**
 * What is blocked, the faults by path, and where that leads, if to one place. `steady`: for so many
 * milliseconds; `silent`: nothing is published meanwhile; `stood`: it begins when a WebSocket is open; `ms`: it heals by itself. The
 * longest go first.
 */
const SCENARIOS = [
  ['idle connections cut, ws refused, silence', { ...NO_WS, ...IDLE_LATE }, 'longpoll', { silent: true, steady: 5000 }],
  ['ws a hole once it stood', { '/ws': { hole: true } }, 'sse', { stood: true }],
  ['nothing', {}, 'ws'],
  ['ws refused', NO_WS, 'sse'],
  ['ws a hole', { '/ws': { hole: true } }, 'sse'],
  ['ws, sse refused', NO_SSE, 'longpoll'],
  ['ws refused, bodies of sse buffered', { ...NO_WS, '/sse': { buffer: 'body' } }, 'longpoll'],
  ['ws refused, all of sse buffered', { ...NO_WS, '/sse': { buffer: 'all' } }, 'longpoll'],
  ['ws refused, everything buffered', { ...NO_WS, '*': { buffer: 'all' } }, 'longpoll'],
  ['ws, sse, longpoll refused', { ...NO_SSE, '/longpoll': { status: 502 } }, 'poll'],
  ['ws, sse, longpoll holes', { '/ws': { hole: true }, '/sse': { hole: true }, '/longpoll': { hole: true } }, 'poll'],
  ['idle connections cut', IDLE, 'ws', { steady: 3000 }],
  ['idle connections cut, silence', IDLE_LATE, 'ws', { silent: true, steady: 5000 }],
  ['idle connections cut, ws refused', { ...NO_WS, ...IDLE }, 'sse', { steady: 3000 }],
  ['everything refused for 3 s', { '*': { status: 502, upgrade: 502 } }, null, { stood: true, ms: 3000 }],
];

let gateway;
before(async () => gateway = await startGateway());
after(() => gateway?.stop());

const table = [['blocked', 'browser', 'landed on', 'after', 'back on ws', 'lost / repeated', 'on the way']];

async function run(open, browser, [blocked, faults, transport, { steady = 0, silent, stood, ms } = {}]) {
  const site = await startSite(gateway.port);
  const block = () => Object.entries(faults).forEach(([path, fault]) => site.fault(path, fault));
  const numbers = new Numbers(gateway, `${blocked} ${browser}`);
  try {
    if (!stood) block();
    const client = await follow(open, site, numbers.channel, { since: 'earliest', pollInterval: 500, heartbeat: 2000 });
    if (!silent) numbers.start(100);
    let from = 0;
    if (stood) {
      from = (await client.lands('ws')).now;
      block();
      // What stands falls with it, but a hole swallows without a word.
      if (ms) site.cut();
    }
    if (ms) setTimeout(() => site.heal(), ms);
    const left = stood ? ({ states }) => states.at(-1).at > from : () => true;
    const stands = ({ states, now }) => now - states.at(-1)?.at >= steady;
    const isThere = seen => seen.transport && (!transport || seen.transport === transport);
    const landed = await client.until(`lands on ${transport ?? 'anything'}`, seen => isThere(seen) && left(seen) && stands(seen));
    const after = landed.states.at(-1).at - from;
    if (silent) await numbers.publish(10);
    await client.until('numbers', ({ got }) => got.length >= landed.got.length + 10);

    site.heal();
    const healed = (await client.look()).now;
    const top = await client.lands('ws');
    if (silent) await numbers.publish(10);
    else await numbers.stop();
    const seen = await client.receives(numbers.next);
    const { lost, repeated } = damage(seen.got, numbers.next);
    table.push([blocked, browser, landed.transport, `${(after / 1000).toFixed(1)} s`,
      landed.transport === 'ws' ? '' : `${((top.states.at(-1).at - healed) / 1000).toFixed(1)} s`, `${lost} / ${repeated} of ${numbers.next}`,
      landed.states.map(({ state, transport }) => transport ?? state).join(' ')]);
  } finally {
    if (!silent) await numbers.stop?.();
    site.stop();
  }
}

describe('degradation', { concurrency: 12 }, () => {
  for (const scenario of SCENARIOS) forEachBrowser(scenario[0], ({ open, browser }) => run(open, browser, scenario), { timeout: 120_000 });
});

test('where it landed', context => print(context, table));
