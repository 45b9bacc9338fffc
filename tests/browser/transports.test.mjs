// Every transport alone: what was published before, what is published now, and a cut of all connections on the way.
import { after, before, describe, test } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { follow, Numbers, print, startSite } from './lib/sdk.mjs';

const TRANSPORTS = ['ws', 'sse', 'longpoll', 'poll', 'iframe', 'jsonp'];
// A frame does not learn of a cut; only silence tells, so there is little of it.
const OPTIONS = { pollInterval: 200, heartbeat: 1000 };
const config = origin => `
origins = ["${origin}"]

[stream]
heartbeat = "1s"

[[route]]
path = "/poll"
kind = "poll"
jsonp = true

[[route]]
path = "/iframe"
kind = "iframe"
post_message = ["${origin}"]
`;

let gateway, elsewhere;
before(async () => {
  elsewhere = await startSite(1);
  gateway = await startGateway(config(elsewhere.url));
});
after(() => {
  elsewhere?.stop();
  return gateway?.stop();
});

const table = [['transport', 'browser', 'page', 'first message', 'open']];

/** History, presence, a cut, presence; in a page of the gateway's own origin or of another. */
async function run(open, browser, transport, far) {
  const numbers = new Numbers(gateway, `${transport} ${browser} ${far ? 'far' : 'near'}`);
  const site = await startSite(gateway.port);
  try {
    await numbers.publish(60);
    const options = { ...OPTIONS, since: '-50', transports: [transport], ...(far && { url: site.url }) };
    const client = await follow(open, far ? elsewhere : site, numbers.channel, options);
    await client.lands(transport);
    await client.receives(60, { from: 10 });
    await numbers.publish(50);
    await client.receives(110, { from: 10 });
    numbers.start(10);
    await client.until('a few more', ({ got }) => got.length > 110);
    site.cut();
    await client.until('more after the cut', ({ got }) => got.length > 150);
    await numbers.stop();
    await numbers.publish(Math.max(0, 210 - numbers.next));
    const { first, states } = await client.receives(numbers.next, { from: 10 });
    table.push([transport, browser, far ? 'far' : 'near', `${first} ms`, `${states.find(({ state }) => state === 'open').at} ms`]);
  } finally {
    site.stop();
  }
}

describe('alone', { concurrency: 4 }, () => {
  for (const transport of TRANSPORTS) {
    forEachBrowser(`${transport} alone`, ({ open, browser }) => run(open, browser, transport, false));
    forEachBrowser(`${transport} alone, from another origin`, ({ open, browser }) => run(open, browser, transport, true));
  }
});

test('how long it took', context => print(context, table));
