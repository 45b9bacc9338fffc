// A proxy between browsers and the gateway that does on demand what proxies in the field do wrong. It speaks HTTP/1.1 with
// keep-alive and passes WebSockets through. Faults are set by path, at any time:
//
//   proxy.fault('/ws', { upgrade: 502 })     answers upgrades with this status
//   proxy.fault('/sse', { buffer: 'body' })  passes the head, and the bytes of the body only when it has ended
//   proxy.fault('/sse', { buffer: 'all' })   passes nothing before the body has ended
//   proxy.fault('/sse', { idle: 200 })       cuts a connection on which nothing has moved for so many milliseconds
//   proxy.fault('/poll', { status: 502 })    answers with this status
//   proxy.fault('/poll', { delay: 100 })     passes a request on after so many milliseconds
//   proxy.fault('/poll', { hole: true })     never answers, and passes on nothing of what is under way
//   proxy.fault('/poll', null)               is good again; what fell into the hole goes on
//   proxy.fault('*', { .. })                 all paths that have no fault of their own
//
// A fault is that of the moment when a request comes, but the hole opens and closes also for those that are under way.
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' };
// They are said for one connection, and here are two.
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const UPGRADE = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
const NONE = Object.freeze({});

/** In front of this port of loopback. `pages` are what the proxy serves itself: path -> text. */
export async function startProxy(upstream, pages = {}) {
  const proxy = new FaultyProxy(upstream, pages);
  await proxy.accept();
  return proxy;
}

class FaultyProxy {
  port = 0;
  #faults = new Map();
  #changes = new EventEmitter().setMaxListeners(0);
  #requests = new Map();
  #underway = new Set();
  #sockets = new Set();
  #http = http.createServer({ keepAliveTimeout: 60_000 });
  // It listens apart from the HTTP server, so that it can stop and begin while connections live.
  #listener = net.createServer({ noDelay: true }, socket => this.#connected(socket));

  constructor(upstream, pages) {
    /** May be changed, as when the gateway comes back elsewhere. */
    this.upstream = upstream;
    this.pages = pages;
    this.#http.on('request', (request, response) => this.#serve(request, response));
    this.#http.on('upgrade', (request, socket, head) => {
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      response.shouldKeepAlive = false;
      response.on('finish', () => socket.end());
      this.#serve(request, response, head);
    });
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  fault(path, fault) {
    if (fault) this.#faults.set(path, fault);
    else this.#faults.delete(path);
    this.#changes.emit('fault');
  }

  /** No path has a fault any more. */
  heal() {
    this.#faults.clear();
    this.#changes.emit('fault');
  }

  /** Resets the connections that are open now (TCP RST). */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on connecting fails; the connections that are open stay. */
  refuse() {
    this.#listener.close();
  }

  async accept() {
    this.#listener.listen(this.port, '127.0.0.1');
    await once(this.#listener, 'listening');
    this.port = this.#listener.address().port;
  }

  stop() {
    this.refuse();
    this.cut();
  }

  /** Requests so far, upgrades too: to a path, or to all. */
  requests(path) {
    return path ? this.#requests.get(path) ?? 0 : [...this.#requests.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Requests that are not answered to the end, and WebSockets that are open: of a path, or of all. */
  underway(path) {
    return [...this.#underway].filter(request => !path || pathOf(request) === path).length;
  }

  /** Connections from browsers that are open now. */
  get connections() {
    return this.#sockets.size;
  }

  #connected(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('timeout', () => socket.destroy());
    this.#http.emit('connection', socket);
  }

  #faultOf(path) {
    return this.#faults.get(path) ?? this.#faults.get('*') ?? NONE;
  }

  async #outOfHole(path, signal) {
    while (this.#faultOf(path).hole) await once(this.#changes, 'fault', { signal });
  }

  /** `head` are the bytes after the request, if it is an upgrade. */
  async #serve(request, response, head) {
    const path = pathOf(request);
    this.#requests.set(path, this.requests(path) + 1);
    this.#underway.add(request);
    const gone = new AbortController();
    (head ? request.socket : response).on('close', () => {
      this.#underway.delete(request);
      gone.abort();
    });
    try {
      await this.#answer(request, response, head, this.#faultOf(path), gone.signal);
    } catch {
      // What has begun is cut, what has not is answered, and who is gone is left alone.
      if (response.headersSent || head) request.socket.destroy();
      else if (!gone.signal.aborted) response.writeHead(502).end();
    }
  }

  async #answer(request, response, head, fault, signal) {
    const path = pathOf(request);
    if (fault.idle) request.socket.setTimeout(fault.idle);
    if (fault.delay) await pause(fault.delay, undefined, { signal });
    await this.#outOfHole(path, signal);
    const status = fault.status ?? (head && fault.upgrade);
    if (status) return response.writeHead(status).end();
    if (Object.hasOwn(this.pages, path)) {
      response.setHeader('content-type', `${TYPES[extname(path)] ?? 'text/html'}; charset=utf-8`);
      return response.end(this.pages[path]);
    }

    const ask = http.request({
      port: this.upstream, method: request.method, path: request.url, agent: false, signal,
      headers: [...endToEnd(request), ...(head ? UPGRADE : [])],
    });
    // What fails later fails the answer too.
    request.pipe(ask.on('error', () => {}));
    const [answer, peer, first] = await Promise.race([once(ask, 'response'), once(ask, 'upgrade')]);
    await this.#outOfHole(path, signal);
    if (peer) return this.#join(path, request.socket, peer, Buffer.concat([headOf(answer), first]), head, signal);

    response.writeHead(answer.statusCode, answer.statusMessage, endToEnd(answer));
    // Without this the head waits for the first bytes of the body.
    if (fault.buffer !== 'all') response.flushHeaders();
    await pipeline(answer, this.#passing(path, signal, fault.buffer), response);
  }

  /** Both directions of a WebSocket, until either has ended. */
  async #join(path, socket, peer, toSocket, toPeer, signal) {
    socket.write(toSocket);
    peer.write(toPeer);
    await Promise.all([
      pipeline(peer, this.#passing(path, signal), socket),
      pipeline(socket, this.#passing(path, signal), peer),
    ]);
  }

  #passing(path, signal, buffer) {
    const outOfHole = () => this.#outOfHole(path, signal);
    return async function* (chunks) {
      const held = [];
      for await (const chunk of chunks) {
        if (buffer) {
          held.push(chunk);
        } else {
          await outOfHole();
          yield chunk;
        }
      }
      yield* held;
    };
  }
}

const pathOf = request => request.url.split('?', 1)[0];

/** Headers as they came, name after value, without those of the connection. */
const endToEnd = ({ rawHeaders }) =>
  rawHeaders.filter((_, at) => !HOP_BY_HOP.has(rawHeaders[at - at % 2].toLowerCase()));

function headOf({ statusCode, statusMessage, rawHeaders }) {
  const lines = rawHeaders.map((text, at) => at % 2 ? `${text}\r\n` : `${text}: `);
  return Buffer.from(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('')}\r\n`, 'latin1');
}
