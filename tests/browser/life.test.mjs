// What happens to pages and to gateways: pages are left and come back, sleep and wake; gateways die, are drained, and want another
// token. A subscriber gets everything, or is told what is missing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before } from 'node:test';
import { forEachBrowser, freeze, hide, travel } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { follow, followIn, Numbers, openPage, startSite } from './lib/sdk.mjs';
import { until } from './lib/wait.mjs';

const STREAMS = ['ws', 'sse', 'longpoll'];
// Firefox decides before it tells the page that it is left, and keeps none alive that has a connection or a lock then.
const KEPT_ALIVE = [['chromium', STREAMS, false], ['chromium', STREAMS, true], ['firefox', ['poll'], false]];

let gateway, site, names = 0;
before(async () => {
  gateway = await startGateway();
  site = await startSite(gateway.port);
});
after(() => {
  site?.stop();
  return gateway?.stop();
});

const fresh = (of = gateway) => new Numbers(of, `life ${names++}`);

for (const [browser, transports, share] of KEPT_ALIVE) {
  forEachBrowser(`a page is left and comes back alive${share ? ', which shares' : ''}`, async ({ open }) => {
    for (const transport of transports) {
      const numbers = fresh();
      const client = await follow(open, site, numbers.channel, { transports: [transport], share });
      await client.lands(transport);
      await numbers.publish(10);
      await client.receives(10);
      await client.page.evaluate(() => addEventListener('pageshow', ({ persisted }) => window.persisted = persisted));
      await client.page.goto(`${site.url}/other`);
      await until('nobody follows', async () => await gateway.subscribers(numbers.channel) === 0);
      await numbers.publish(10);
      await travel(client.page, -1);
      await until('it is kept alive', () => client.page.evaluate(() => window.persisted));
      await client.receives(20);
      await numbers.publish(10);
      await client.receives(30);
    }
  }, { only: browser });
}

forEachBrowser('a frozen page wakes', async ({ open }) => {
  for (const transport of STREAMS) {
    const numbers = fresh();
    const client = await follow(open, site, numbers.channel, { transports: [transport] });
    await client.lands(transport);
    await numbers.publish(10);
    await client.receives(10);
    const thaw = await freeze(client.page);
    await until('nobody follows', async () => await gateway.subscribers(numbers.channel) === 0);
    await numbers.publish(100);
    await thaw();
    await numbers.publish(10);
    await client.receives(120);
  }
}, { only: 'chromium' });

forEachBrowser('a page that is hidden goes on', async ({ open }) => {
  const numbers = fresh();
  const client = await follow(open, site, numbers.channel);
  await client.lands('ws');
  const show = await hide(client.page);
  await numbers.publish(10);
  await client.receives(10);
  site.cut();
  await numbers.publish(10);
  await client.receives(20);
  await show();
  await numbers.publish(10);
  await client.receives(30);
});

forEachBrowser('the network comes back', async ({ open }) => {
  const numbers = fresh();
  const own = await startSite(gateway.port);
  try {
    const client = await follow(open, own, numbers.channel);
    await client.lands('ws');
    own.refuse();
    own.cut();
    await client.page.setOfflineMode(true);
    await numbers.publish(10);
    // It has tried everything more than once, so that the next attempt is far.
    await client.until('waits', ({ state, states }) => state === 'waiting' && states.filter(({ state }) => state === 'waiting').length > 3);
    const receipt = client.page.evaluate(channel => records[0].encke.publish(channel, 10), numbers.channel);
    await own.accept();
    await client.page.evaluate(() => addEventListener('online', () => window.told = true));
    await client.page.setOfflineMode(false);
    await until('it is told', () => client.page.evaluate(() => window.told));
    await receipt;
    await client.receives(11);
  } finally {
    own.stop();
  }
});

forEachBrowser('a gateway dies and another life of the log begins', async ({ open }) => {
  let own = await startGateway();
  const proxy = await startSite(own.port);
  try {
    const page = await openPage(open, proxy);
    const clients = [];
    for (const transport of STREAMS) {
      clients.push(await followIn(page, 'a', { transports: [transport] }), await followIn(page, '*', { transports: [transport] }));
    }
    const shown = (count, gaps) => Promise.all(clients.map(client =>
      client.until(`${count} numbers and ${gaps} gaps`, seen => seen.got.length >= count && seen.gaps.length >= gaps)));
    await Promise.all(clients.map(client => client.ready()));
    await new Numbers(own, 'a').publish(10);
    await shown(10, 0);
    await own.stop();
    own = await startGateway();
    proxy.upstream = own.port;
    const numbers = new Numbers(own, 'a');
    await numbers.publish(10);
    await shown(20, 1);
    await numbers.publish(10);
    for (const { got, gaps, errors } of await shown(30, 1)) {
      assert.deepEqual(got, [...Array(10).keys(), ...Array(20).keys()]);
      assert.deepEqual([gaps.map(({ reason }) => reason), errors], [['epoch'], []]);
    }
  } finally {
    proxy.stop();
    await own.stop();
  }
});

forEachBrowser('a gateway is drained', async ({ open }) => {
  const [first, second] = await Promise.all([startGateway('drain = { window = "1s" }'), startGateway()]);
  const proxy = await startSite(first.port);
  try {
    const page = await openPage(open, proxy);
    const clients = [];
    for (const transport of STREAMS) clients.push(await followIn(page, 'a', { transports: [transport, 'poll'] }));
    const shown = (count, gaps) => Promise.all(clients.map(client =>
      client.until(`${count} numbers`, seen => seen.got.length >= count && seen.gaps.length === gaps)));
    await Promise.all(clients.map((client, at) => client.lands(STREAMS[at])));
    await new Numbers(first, 'a').publish(10);
    await shown(10, 0);
    proxy.upstream = second.port;
    const stopped = first.stop('SIGTERM');
    await new Numbers(second, 'a').publish(10);
    const seen = await shown(20, 1);
    await stopped;
    // They went over as they were: nothing was wrong with the way, so nobody left a transport for another.
    for (const [at, { states, transport, errors }] of seen.entries()) {
      assert.deepEqual([transport, errors], [STREAMS[at], []]);
      assert.deepEqual(states.filter(({ transport }) => transport && transport !== STREAMS[at]), []);
    }
  } finally {
    proxy.stop();
    await Promise.all([first.stop(), second.stop()]);
  }
});

/** Passes bytes on to a port, and keeps the heads of requests. */
async function startListener(port) {
  const heads = [];
  const server = net.createServer(socket => {
    const peer = net.connect(port, '127.0.0.1');
    socket.on('data', bytes => heads.push(bytes.toString('latin1')));
    socket.pipe(peer).pipe(socket);
    for (const end of [socket, peer]) end.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { heads, port: server.address().port, close: () => server.close() };
}

/** In the page: each token lasts a little longer than the time before its end at which it is renewed. */
function makeTokens() {
  window.made = [];
  window.makeToken = () => {
    const part = value => btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
    made.push([part({}), part({ sub: 'me', n: made.length, exp: Date.now() / 1000 + 32 }), ''].join('.'));
    return made.at(-1);
  };
}

forEachBrowser('a token is renewed before it expires', async ({ open }) => {
  const listener = await startListener(gateway.port);
  const own = await startSite(listener.port);
  try {
    const inHead = how => made => listener.heads.some(head => head.includes(how + made));
    // On a WebSocket by a command, which needs no other connection.
    const inFrame = (made, page) => page.evaluate(made => frames.some(frame => frame.includes('"authenticate"') && frame.includes(made)), made);
    const renews = async (transport, first, isSent) => {
      const numbers = fresh();
      const page = await openPage(open, own);
      await page.evaluate(makeTokens);
      await page.evaluate(() => {
        const { send } = WebSocket.prototype;
        window.frames = [];
        WebSocket.prototype.send = function (data) {
          frames.push(data);
          send.call(this, data);
        };
      });
      const client = await followIn(page, numbers.channel, { transports: [transport], token: 'makeToken' });
      await client.lands(transport);
      numbers.start(50);
      const made = await until('another token', async () => {
        const made = await page.evaluate(() => made);
        return made.length > 1 && made;
      }, 30_000);
      assert.ok(inHead(first)(made[0]), 'the first token is sent with the request');
      await until('it is sent', () => isSent(made[1], page));
      await numbers.stop();
      const { states } = await client.receives(numbers.next);
      assert.deepEqual(states.map(({ state }) => state), ['connecting', 'open']);
      assert.ok(!listener.heads.some(head => head.split('\r\n')[0].includes(made[0])), 'no token in an address');
    };
    await Promise.all([
      renews('ws', 'encke.v1, encke.token.', inFrame),
      renews('sse', 'Bearer ', inHead('Bearer ')),
      renews('longpoll', 'Bearer ', inHead('Bearer ')),
    ]);
  } finally {
    own.stop();
    listener.close();
  }
});
