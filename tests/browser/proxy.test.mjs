// The proxy that the other tests rely on: each fault does what it says, and without one nothing is changed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startGateway } from './lib/gateway.mjs';
import { startProxy } from './lib/proxy.mjs';
import { until } from './lib/wait.mjs';

let gateway, proxy, agent;

before(async () => {
  gateway = await startGateway('stream = { age = "500ms" }');
  proxy = await startProxy(gateway.port, { '/page.html': '<p>page</p>', '/a.mjs': 'export {}' });
});
beforeEach(() => agent = new http.Agent({ keepAlive: true }));
afterEach(async () => {
  agent.destroy();
  proxy.heal();
  proxy.cut();
  await until('the connections are gone', () => proxy.connections === 0 && proxy.underway() === 0);
});
after(() => {
  proxy?.stop();
  return gateway?.stop();
});

/** Resolves to the head of the answer, with `text` so far. */
async function get(path) {
  const [answer] = await once(http.get(proxy.url + path, { agent }).on('error', () => {}), 'response');
  answer.text = '';
  answer.on('data', chunk => answer.text += chunk).on('error', () => {});
  return answer;
}

async function getAll(path) {
  const answer = await get(path);
  if (!answer.readableEnded) await once(answer, 'end');
  return answer;
}

/** The bytes of a WebSocket's connection, after its request. */
async function upgrade(path = '/ws?channel=a') {
  const socket = net.connect(proxy.port, '127.0.0.1');
  socket.text = '';
  socket.setEncoding('latin1').on('data', text => socket.text += text).on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
    + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await until('an answer', () => socket.text.includes('\r\n\r\n') || socket.closed);
  return socket;
}

const open = socket => until('a place', () => socket.text.includes('"subscribed"'));
const receives = (of, text) => until(`${text}, only ${of.text}`, () => of.text.includes(text));

test('answers are passed as they are, on connections that stay', async () => {
  const direct = await fetch(`${gateway.url}/poll?channel=none`);
  const first = await getAll('/poll?channel=none');
  assert.equal(first.statusCode, 200);
  assert.equal(first.text, await direct.text());
  for (const [name, value] of direct.headers) {
    if (name !== 'date') assert.equal(first.headers[name], value, name);
  }
  const before = proxy.requests('/poll');
  await getAll('/poll?channel=none');
  assert.equal(proxy.requests('/poll') - before, 1);
  assert.equal(proxy.connections, 1);
});

test('pages are its own', async () => {
  const page = await getAll('/page.html?x=1');
  assert.deepEqual([page.text, page.headers['content-type']], ['<p>page</p>', 'text/html; charset=utf-8']);
  assert.equal((await getAll('/a.mjs')).headers['content-type'], 'text/javascript; charset=utf-8');
});

test('bodies go to the gateway', async () => {
  const answer = await fetch(`${proxy.url}/publish?channel=posted`, { method: 'POST', body: '"posted"' });
  assert.equal(answer.status, 200);
  assert.match((await getAll('/poll?channel=posted')).text, /"data":.*posted/);
});

test('streams and WebSockets pass at once, and end with their client', async () => {
  const [stream, socket] = [await get('/sse?channel=a'), await upgrade()];
  await open(socket);
  assert.equal(proxy.underway(), 2);
  await gateway.publish('a', 'now');
  await Promise.all([receives(stream, '"now"'), receives(socket, '"now"')]);
  stream.destroy();
  socket.destroy();
  await until('nobody follows', async () => await gateway.subscribers('a') === 0);
});

test('upgrades are refused, also by the gateway', async () => {
  assert.match((await upgrade('/poll?channel=a')).text, /^HTTP\/1.1 200 [^]*"messages"/);
  proxy.fault('/ws', { upgrade: 502 });
  const socket = await upgrade();
  assert.match(socket.text, /^HTTP\/1.1 502 /);
  await until('an end', () => socket.readableEnded);
  assert.equal((await getAll('/poll?channel=a')).statusCode, 200);
});

test('a buffer of bodies passes the head first', async () => {
  proxy.fault('/sse', { buffer: 'body' });
  const stream = await get('/sse?channel=a');
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  await gateway.publish('a', 'held');
  assert.equal(stream.text, '');
  await receives(stream, '"held"');
});

test('a buffer of all passes the head at the end', async () => {
  proxy.fault('*', { buffer: 'all' });
  let head = false;
  const stream = get('/sse?channel=a').finally(() => head = true);
  await until('a subscriber', () => gateway.subscribers('a'));
  await gateway.publish('a', 'held');
  assert.equal(head, false);
  await receives(await stream, '"held"');
});

test('a connection on which nothing moves is cut', async () => {
  proxy.fault('/longpoll', { idle: 50 });
  await assert.rejects(get('/longpoll?channel=a'), { code: 'ECONNRESET' });
  proxy.fault('/ws', { idle: 50 });
  const socket = await upgrade();
  await until('an end', () => socket.closed);
});

test('a status of its own, and a delay', async () => {
  proxy.fault('/poll', { status: 502 });
  assert.equal((await getAll('/poll?channel=a')).statusCode, 502);
  assert.equal((await getAll('/healthz')).statusCode, 200);
  proxy.fault('/poll', { delay: 20 });
  assert.equal((await getAll('/poll?channel=a')).statusCode, 200);
});

test('what falls into the hole goes on when it closes', async () => {
  const [stream, socket] = [await get('/sse?channel=a'), await upgrade()];
  await open(socket);
  proxy.fault('*', { hole: true });
  const poll = getAll('/poll?channel=a');
  await until('a request', () => proxy.underway('/poll') === 1);
  await gateway.publish('a', 'deep');
  assert.ok(!stream.text.includes('deep') && !socket.text.includes('deep'));
  proxy.fault('*', null);
  await Promise.all([receives(stream, '"deep"'), receives(socket, '"deep"'), poll]);
});

test('connections are cut, and refused for a while', async () => {
  const [stream, socket] = [await get('/sse?channel=a'), await upgrade()];
  proxy.refuse();
  await gateway.publish('a', 'goes on');
  await receives(stream, '"goes on"');
  proxy.cut();
  await until('both ends', () => stream.closed && socket.closed);
  await assert.rejects(get('/healthz'), { code: 'ECONNREFUSED' });
  await proxy.accept();
  assert.equal((await getAll('/healthz')).statusCode, 200);
});

test('a gateway that is away is a bad gateway, and may come back elsewhere', async () => {
  const { port } = gateway;
  const [stream, socket] = [await get('/sse?channel=a'), await upgrade()];
  await gateway.stop();
  await until('both ends', () => stream.closed && socket.closed);
  assert.equal((await getAll('/healthz')).statusCode, 502);
  assert.ok((await upgrade()).closed);
  gateway = await startGateway();
  proxy.upstream = gateway.port;
  assert.equal((await getAll('/healthz')).statusCode, 200);
  assert.notEqual(gateway.port, port);
});
