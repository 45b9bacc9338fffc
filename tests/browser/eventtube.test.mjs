// A page that was written for EventTube, as it is; only host and port are others. Its script is the gateway's.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startProxy } from './lib/proxy.mjs';
import { until } from './lib/wait.mjs';

const page = ({ hostname, port }) => `<!doctype html>
<meta charset="utf-8">
<title>a page of EventTube</title>
<script>
function initEventTube(){
  var options={
    connection:{
      host:'${hostname}',
      port:'${port}'
    }
  }
  var eventTube=new EventTube(options);
  window.EventTube=eventTube;
  window.EventTube.connect();
}
</script>
<script src="http://${hostname}:${port}/sdk/js" async onload="initEventTube()"></script>`;

let gateway, site;
before(async () => {
  gateway = await startGateway();
  site = await startProxy(gateway.port);
  site.pages['/tube'] = page(new URL(site.url));
});
after(() => {
  site?.stop();
  return gateway?.stop();
});

/** A page that is connected. What its handlers are given is kept. */
async function connect(open, { url } = site, where = {}) {
  const page = await open(`${url}/tube`, where);
  await until('a connection', () => page.evaluate(() => typeof window.EventTube?.sub === 'function'));
  await page.evaluate(() => window.heard = []);
  return page;
}

const sub = (page, event, mark = event) => page.evaluate((event, mark) =>
  window.EventTube.sub(event, message => heard.push([mark, message])), event, mark);

async function hears(page, expected) {
  const heard = () => page.evaluate(() => heard);
  await until(async () => `${JSON.stringify(expected)}, only ${JSON.stringify(await heard())}`, async () => (await heard()).length >= expected.length);
  assert.deepEqual(await heard(), expected);
}

forEachBrowser('two pages of EventTube', async ({ open }) => {
  const [one, two] = [await connect(open), await connect(open)];
  const id = await sub(one, 'YOUR_EVENT_NAME');
  await sub(two, 'YOUR_EVENT_NAME');
  assert.ok(id);
  await one.evaluate(() => window.EventTube.pub('YOUR_EVENT_NAME', 'YOUR_EVENT_DATA'));
  const first = ['YOUR_EVENT_NAME', { event: 'YOUR_EVENT_NAME', data: 'YOUR_EVENT_DATA' }];
  await Promise.all([hears(one, [first]), hears(two, [first])]);

  await one.evaluate(id => window.EventTube.unsub('YOUR_EVENT_NAME', id), id);
  await sub(one, 'other');
  await two.evaluate(() => window.EventTube.pub('YOUR_EVENT_NAME', 2));
  await two.evaluate(() => window.EventTube.pub('other', 'end'));
  await hears(one, [first, ['other', { event: 'other', data: 'end' }]]);
  await hears(two, [first, ['YOUR_EVENT_NAME', { event: 'YOUR_EVENT_NAME', data: 2 }]]);
});

forEachBrowser('a broadcast reaches all pages of EventTube', async ({ open }) => {
  const pages = [await connect(open), await connect(open, site, { apart: true })];
  for (const page of pages) await sub(page, 'alarm');
  await pages[0].evaluate(() => window.EventTube.broadcast('fire', 'alarm'));
  const message = ['alarm', { type: 'broadcast', event: 'alarm', data: 'fire' }];
  for (const page of pages) await hears(page, [message]);
});

forEachBrowser('a page of EventTube on another host', async ({ open }) => {
  const elsewhere = await startProxy(1);
  const own = await startGateway(`origins = ["${elsewhere.url}"]`);
  elsewhere.pages['/tube'] = page(new URL(own.url));
  try {
    const far = await connect(open, elsewhere);
    await sub(far, 'news');
    await own.publish('news', 1);
    await hears(far, [['news', { event: 'news', data: 1 }]]);
  } finally {
    elsewhere.stop();
    await own.stop();
  }
});
