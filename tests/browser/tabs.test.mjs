// The tabs of one origin share one connection: over HTTP/1.1 a browser has six, and eight tabs would starve each other.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { forEachBrowser, freeze } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { follow, followIn, Numbers, openPage, startSite } from './lib/sdk.mjs';
import { until } from './lib/wait.mjs';

const TABS = 8;
const BESIDE = {};

let gateway, site, names = 0;
before(async () => {
  gateway = await startGateway();
  site = await startSite(gateway.port);
});
after(() => {
  site?.stop();
  return gateway?.stop();
});

/** Tabs that follow the numbers of one channel. */
class Group {
  clients = [];
  #open;

  constructor(open) {
    this.#open = open;
    this.numbers = new Numbers(gateway, `tabs ${names++}`);
  }

  async add(options) {
    const from = this.numbers.next;
    const client = await follow(this.#open, site, this.numbers.channel, { transports: ['sse'], share: true, ...options }, BESIDE);
    this.clients.push(Object.assign(client, { from }));
    await client.ready();
    await client.lands('sse');
    return client;
  }

  /** Numbers come to all of them, over so many streams. */
  async publish(count, streams = 1) {
    await this.numbers.publish(count);
    await Promise.all(this.clients.map(client => client.receives(this.numbers.next, { from: client.from })));
    await until(`${streams} streams, not ${site.underway('/sse')}`, () => site.underway('/sse') === streams);
    assert.equal(await gateway.subscribers(this.numbers.channel), streams);
  }

  /** Takes the tab that holds the connection out of the group. */
  async takeLeader() {
    const held = () => navigator.locks.query().then(({ held }) => held[0]?.clientId);
    const own = () => navigator.locks.request('own', () => navigator.locks.query())
      .then(({ held }) => held.find(({ name }) => name === 'own').clientId);
    const leader = await this.clients[0].page.evaluate(held);
    for (const [at, client] of this.clients.entries()) {
      if (await client.page.evaluate(own) === leader) return this.clients.splice(at, 1)[0];
    }
    throw new Error('nobody leads');
  }
}

forEachBrowser('eight tabs have one stream', async ({ open }) => {
  const group = new Group(open);
  for (let tab = 0; tab < TABS; tab++) await group.add();
  await group.publish(100);

  // Numbers come while the lead changes.
  group.numbers.start(5);
  for (let closed = 0; closed < 2; closed++) {
    const leader = await group.takeLeader();
    await leader.page.close();
    const [next] = group.clients;
    const { got } = await next.look();
    await next.until('numbers from another leader', seen => seen.got.length > got.length + 10);
  }
  await group.numbers.stop();
  await group.publish(100);

  // It begins now, and after the numbers before.
  await group.add();
  await group.publish(10);
}, { timeout: 120_000 });

forEachBrowser('the tab that leads is frozen', async ({ open }) => {
  const group = new Group(open);
  for (let tab = 0; tab < 3; tab++) await group.add();
  await group.publish(10);
  const leader = await group.takeLeader();
  const thaw = await freeze(leader.page);
  await group.publish(100);
  await thaw();
  await group.publish(10);
  group.clients.push(leader);
  await group.publish(10);
}, { only: 'chromium' });

forEachBrowser('one tab follows more than the others, and no longer', async ({ open }) => {
  const group = new Group(open);
  for (let tab = 0; tab < 3; tab++) await group.add();
  const [, second] = group.clients;
  const more = new Numbers(gateway, `${group.numbers.channel} more`);
  const other = await followIn(second.page, more.channel, { transports: ['sse'], share: true });
  await other.ready();
  await more.publish(10);
  await other.receives(10);
  await group.publish(10);
  await second.page.evaluate(at => records[at].encke.close(), other.at);
  await until('nobody follows', async () => await gateway.subscribers(more.channel) === 0);
  await group.publish(10);
});

/** What is enough of a JWT. */
const token = claims => ['{}', JSON.stringify(claims), ''].map(part => Buffer.from(part).toString('base64url')).join('.');

forEachBrowser('who is somebody else has a stream of his own', async ({ open }) => {
  const group = new Group(open);
  await group.add({ token: token({ sub: 'one' }) });
  await group.add({ token: token({ sub: 'two' }) });
  await group.add({ token: token({ sub: 'one', exp: 1e10 }) });
  await group.publish(10, 2);
});

forEachBrowser('a page that has not followed anything yet takes no stream', async ({ open }) => {
  const requests = site.requests('/sse');
  await openPage(open, site, BESIDE);
  const group = new Group(open);
  await group.add();
  await group.publish(10);
  assert.equal(site.requests('/sse') - requests, 1);
});
