// The administration API with as many channels and clients as no test could open, and the page before it.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const SOURCES = new URL('../../crates/encke-gateway/src/', import.meta.url);
const TRANSPORTS = ['iframe', 'longpoll', 'poll', 'sse', 'ws'];
const REASONS = [['unauthenticated', 'credentials are needed'], ['forbidden', 'not allowed'], ['expired', 'the credentials have expired'], ['revoked', 'the credentials are revoked']];
const EPOCH = '7f3k2q9x';

const file = name => readFileSync(new URL(name, SOURCES), 'utf8');

/** The page as the gateway makes it, which says of what. */
function page() {
  const nonce = randomBytes(16).toString('hex');
  const script = [...file('pages.rs').matchAll(/pages\/admin\/\w+\.js/g)].map(([name]) => file(name)).join('');
  const html = file('pages/admin/page.html').replace('{style}', () => file('pages/admin/style.css')).replace('{script}', () => script).replaceAll('{nonce}', nonce);
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; `
    + `img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; `
    + `require-trusted-types-for 'script'; trusted-types 'none'`;
  return { html, policy };
}

const noise = (n, more = 0) => { const x = Math.sin(n * 12.9898 + more * 78.233) * 43758.5453; return x - Math.floor(x); };
const began = Date.now() - 3 * 86400e3 - 4 * 3600e3;
const seconds = () => (Date.now() - began) / 1000;
const iso = ms => new Date(ms).toISOString();

export class Mock {
  /** What was done, as `[method, path, body]`. */
  orders = [];
  /** What was asked for, as `GET /path`. */
  asked = [];
  bans = [];
  refusals = [];
  draining = false;
  gone = new Set();
  last = 0;

  constructor({ channels = 100_000, clients = 100_000, names = [], key = null, subjects = [] } = {}) {
    this.key = key;
    this.subjects = subjects;
    const kinds = ['quotes', 'chat', 'news', 'metrics', 'orders', 'tracking'], places = ['eu', 'us', 'asia', 'africa'];
    const made = Array.from({ length: Math.max(0, channels - names.length) }, (_, n) => `${kinds[n % 6]}.${places[n % 4]}.${String(n).padStart(6, '0')}`);
    this.names = [...made, ...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    this.#index();
    this.clients = clients;
    for (let n = 0; n < 12; n++) {
      const { subject, client, address } = this.#who(n * 7), [reason, why] = REASONS[n % REASONS.length];
      this.refusals.push({ at: iso(Date.now() - n * 37e3 - 4e3), action: n % 3 ? 'subscribe' : 'publish', reason, why, subject, client, address, channel: this.names[(n * 991) % this.names.length] });
    }
  }

  get head() { return Math.floor(4_000_000 + seconds() * 850 + 5000 * (1 - Math.cos(seconds() / 20))); }
  cursor(seq) { return `${EPOCH}-${Math.max(0, Math.floor(seq))}`; }

  #who(id) {
    const subject = id % 3 ? this.subjects[id % (this.subjects.length || 1)] ?? `user ${1000 + Math.floor(id / 2)}` : undefined;
    return { subject, client: id % 2 ? `app-${id.toString(36)}` : undefined, address: `192.0.2.${id % 250 + 1}`, transport: TRANSPORTS[Math.floor(noise(id) ** 1.6 * 5) % 5] };
  }

  rank(at) { return noise(at, 3) ** 12; }

  channel(name) {
    const at = this.places.get(name);
    const all = Math.floor(noise(at, 5) ** 8 * 3000);
    const subscribers = Object.fromEntries(TRANSPORTS.map((transport, n) => [transport, Math.floor(all * [.03, .1, .07, .3, .5][n])]).filter(([, number]) => number));
    const retained = Math.floor(noise(at, 8) * 100);
    return { channel: name, cursor: this.cursor(this.head - noise(at) * 9e4), trimmed: this.cursor(3e6), retained, bytes: retained * 640,
      rate: Math.round(this.rank(at) * 8000 * (1 + .3 * Math.sin(seconds() / 7 + at))) / 100, subscribers, members: at % 3 ? Math.floor(all / 3) : undefined };
  }

  members(name, after, limit) {
    const { members: count } = this.channel(name);
    const to = Math.min(count, after + limit);
    const members = Array.from({ length: to - after }, (_, n) => {
      const { subject, client, address, transport } = this.#who(after + n);
      return { subject, clients: [client ?? `tab-${after + n}`], info: n % 4 ? undefined : { color: 'teal' }, since: iso(Date.now() - (n + 1) * 61e3),
        transports: { [transport]: 1 + !(n % 9) }, connections: 1, addresses: [address] };
    });
    return { count, members, next: to < count ? String(to) : undefined };
  }

  client(id) {
    const name = this.names[(id * 7919) % this.names.length];
    const follows = id % 5 === 0 ? [name, `${name.split('.')[0]}.**`, '$notices'] : [name];
    const tick = Math.floor(seconds());
    const lag = id % 11 ? Math.floor(noise(id, tick) * 3) : 40 + Math.floor(30 * noise(id, tick));
    const age = Math.floor(noise(id, 2) * 270_000);
    const messages = Math.floor(noise(id, 4) * 1e5);
    return { id, ...this.#who(id), began: iso(Date.now() - age * 1000), age, expires: id % 4 ? undefined : iso(Date.now() + 36e5), follows,
      cursor: this.cursor(this.head - lag), lag, messages, bytes: messages * 112, gaps: id % 11 ? 0 : 1 };
  }

  detail(id) {
    const client = this.client(id);
    const following = client.follows.map(channel => ({ channel, since: this.cursor(3.2e6), last: channel.includes('*') ? undefined : this.cursor(this.head - 3), lag: client.lag }));
    const last_gaps = client.gaps ? [{ channel: client.follows[0], from: this.cursor(3999000), to: this.cursor(3999900), reason: 'slow' }] : [];
    return { ...client, head: this.cursor(this.head), following, last_gaps };
  }

  node() {
    const used = (used, limit) => ({ used: Math.floor(used), limit });
    const now = seconds();
    const counts = { published: this.head, repeated: 12, refused: 40 + Math.floor(now / 60), delivered: Math.floor(now * 41_000 + 320_000 * (1 - Math.cos(now / 20))),
      gaps: Math.floor(now / 5), opened: Math.floor(now * 30), turned_away: Math.floor(now / 9), denied: Math.floor(now / 13) };
    return { version: '0.1.0', epoch: EPOCH, head: this.cursor(this.head), began: iso(began), uptime: Math.floor(now), draining: this.draining,
      subscriptions: { sse: 30_000, ws: 45_000, longpoll: 15_500 + Math.floor(100 * Math.sin(now)), poll: 8_000, iframe: 1_500 }, occupied: 66_000, members: 80_000, counts,
      limits: { bytes: used(212e6 + 1e6 * Math.sin(now), 1e9), channels: used(this.names.length, 250_000), subscriptions: used(this.clients, 105_000), bans: used(this.bans.length, 10_000), members: used(80_000, 1e6) },
      process: { connections: 92_000, connections_limit: 110_000, retained_bytes_limit: 2e9, 'webhook orders delivered': 81_234, 'webhook orders lag': 3 } };
  }

  ban(body, spares_new) {
    this.bans.push({ id: ++this.last, whom: body.whom, channel: body.channel, since: iso(Date.now()), until: iso(Date.now() + parseInt(body.for, 10) * 60e3), spares_new });
    return { ban: this.last, concerned: 2 };
  }

  /* What an operation answers: undefined if there is no such thing, null if it has nothing to say. */
  answer(method, [kind, name, deed], query, body) {
    const limit = Math.min(1000, Number(query.get('limit') ?? 100)), after = query.get('after');
    const known = kind === 'channels' ? this.places.has(name) : kind === 'clients' ? Number(name) < this.clients && !this.gone.has(name) : true;
    if (name !== undefined && !known) return undefined;
    if (method !== 'GET') this.orders.push([method, [kind, name, deed].filter(part => part !== undefined).join(' '), body]);
    const operations = {
      'GET node': () => this.node(),
      'GET rates': () => ({ now: { published: 850, delivered: 41_000, gaps: .2, opened: 30, refused: .1, denied: .1 } }),
      'GET channels': () => this.#channels(query, limit),
      'GET channels/:': () => ({ ...this.channel(name), present: this.channel(name).members === undefined ? undefined : this.members(name, 0, 100), followers: Array.from({ length: 100 }, (_, n) => this.client(n * 17)) }),
      'GET channels/:/members': () => this.members(name, Number(after ?? 0), limit),
      'DELETE channels/:': () => (this.#forget(name), null),
      'POST channels/:/trim': () => ({ removed: 12 }),
      'GET clients': () => this.#list(query, limit),
      'GET clients/:': () => this.detail(Number(name)),
      'GET clients/:/explain': () => Number(query.get('seq')) % 2 ? { outcome: 'delivered', why: 'it was written to its ws, which has read up to 4100050' }
        : { outcome: 'not-followed', why: `it is in ${this.names[42]}; the client follows ${this.client(Number(name)).follows.join(', ')}` },
      'POST clients/:/disconnect': () => (this.gone.add(name), { concerned: 1 }),
      'POST unsubscribe': () => ({ concerned: 1 }),
      'POST kick': () => this.ban(body, false),
      'POST revoke': () => this.ban(body, true),
      'POST bans': () => this.ban(body, false),
      'POST drain': () => (this.draining = true, { draining: true }),
      'GET bans': () => ({ bans: this.bans.slice(0, limit) }),
      'DELETE bans/:': () => (this.bans = this.bans.filter(({ id }) => id !== Number(name)), null),
      'GET refusals': () => ({ refusals: this.refusals.slice(0, limit) }),
    };
    return operations[`${method} ${kind}${name === undefined ? '' : '/:'}${deed ? `/${deed}` : ''}`]?.();
  }

  #forget(name) {
    this.names = this.names.filter(known => known !== name);
    this.#index();
  }

  #index() {
    this.places = new Map(this.names.map((name, at) => [name, at]));
    this.sorted = new Map();
  }

  #channels(query, limit) {
    const pattern = query.get('pattern'), sort = query.get('sort') ?? 'name', after = query.get('after');
    const parts = pattern?.split('.').map(part => part === '**' ? '.+' : part === '*' ? '[^.]+' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    const expression = parts && new RegExp(`^${parts.join('\\.')}$`, 'su');
    const key = `${sort} ${pattern}`;
    if (!this.sorted.has(key)) {
      const names = expression ? this.names.filter(name => expression.test(name)) : this.names;
      const weight = name => sort === 'rate' ? this.rank(this.places.get(name)) : noise(this.places.get(name), 5);
      this.sorted.set(key, sort === 'name' ? names : names.map(name => [weight(name), name]).sort(([a], [b]) => b - a).map(([, name]) => name));
    }
    const names = this.sorted.get(key);
    const found = !after ? 0 : sort === 'name' ? names.findIndex(name => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0) : names.indexOf(after.slice(after.indexOf(' ') + 1)) + 1;
    const from = found < 0 ? names.length : found;
    const channels = names.slice(from, from + limit).map(name => this.channel(name));
    return { channels, next: channels.length === limit ? `${sort === 'name' ? '' : '7 '}${channels.at(-1).channel}` : undefined };
  }

  #list(query, limit) {
    const wanted = ['subject', 'client', 'address', 'transport'].filter(name => query.get(name));
    const clients = [];
    for (let id = query.get('after') ? Number(query.get('after')) + 1 : 0; id < this.clients && clients.length < limit; id++) {
      const who = this.#who(id);
      if (this.gone.has(String(id)) || !wanted.every(name => who[name] === query.get(name))) continue;
      const client = this.client(id);
      if (!query.get('channel') || client.follows.includes(query.get('channel'))) clients.push(client);
    }
    return { clients, next: clients.length === limit ? clients.at(-1).id : undefined };
  }

  async listen(port = 0) {
    this.server = createServer(async (request, response) => {
      const url = new URL(request.url, 'http://localhost');
      this.asked.push(`${request.method} ${request.url}`);
      if (url.pathname === '/admin') {
        const { html, policy } = page();
        return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy, 'cache-control': 'no-store' }).end(html);
      }
      const json = (status, value) => response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(value));
      if (!url.pathname.startsWith('/admin/api/')) return json(404, { detail: 'there is no such path' });
      if (this.key && request.headers.authorization !== `Bearer ${this.key}`) return json(401, { title: 'Credentials are needed', detail: 'this needs the key' });
      let text = '';
      for await (const part of request) text += part;
      const value = this.answer(request.method, url.pathname.slice('/admin/api/'.length).split('/').map(decodeURIComponent), url.searchParams, text ? JSON.parse(text) : undefined);
      if (value === null) return response.writeHead(204).end();
      if (value === undefined) return json(404, { title: 'There is nothing here', detail: 'there is nothing of this name now' });
      json(200, value);
    });
    await new Promise(listening => this.server.listen(port, '127.0.0.1', listening));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise(stopped => this.server.close(stopped));
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) console.log((await new Mock({ key: process.env.KEY }).listen(Number(process.env.PORT ?? 0))).url);
