// The real gateway, as a process of its own on a free port of loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

// What is named ENCKE_ configures the gateway, which is for the test to do.
const foreign = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ENCKE_')));

/** What is built by cargo stands beside the gateway. */
function binary(name) {
  const gateway = process.env.ENCKE_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug', 'encke');
  const path = name === 'encke' ? gateway : join(dirname(gateway), name);
  if (!existsSync(path)) throw new Error(`${path} is missing: cargo build -p ${name === 'encke' ? 'encke-gateway' : name}, or set ENCKE_BIN`);
  return path;
}

/** A program that says on which port of loopback it listens. */
export class Program {
  /** The last lines that it has said. */
  log = [];
  port = 0;
  #child;
  #ended;
  #listens;
  #kill = () => this.#child.kill('SIGKILL');

  constructor(name, args, env) {
    const child = this.#child = spawn(binary(name), args, { env: { ...foreign, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(child, 'exit');
    this.#listens = new Promise((listens, fails) => {
      // It is listened to as long as it lives, so that it never waits for being heard.
      for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', line => {
        this.log = [...this.log.slice(-99), line];
        const [, port] = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(line) ?? [];
        if (port) listens(this.port = Number(port));
      });
      this.#ended.then(([code]) => fails(new Error(`${name} ended with ${code}`)), fails);
    });
    this.#listens.catch(() => {});
    process.on('exit', this.#kill);
  }

  /** Resolves to itself when it listens. */
  async listens() {
    try {
      await within(10_000, 'a server that listens', this.#listens);
      return this;
    } catch (error) {
      await this.stop();
      throw new Error(`${error.message}\n${this.log.join('\n')}`);
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends this process and waits for its end; SIGTERM drains the gateway. */
  async stop(signal = 'SIGKILL') {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.#ended.catch(() => {});
    process.off('exit', this.#kill);
  }

  /** Posts a body, and resolves to the answer's JSON. */
  async post(path, type, body) {
    const answer = await fetch(this.url + path, { method: 'POST', headers: { 'content-type': type }, body });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** Publishes lines of `{channel, data, name}` at once, and resolves to their receipts. */
  async publishBatch(messages) {
    const lines = messages.map(message => JSON.stringify(message)).join('\n');
    const { results } = await this.post('/publish', 'application/x-ndjson', lines);
    return results;
  }
}

/** Serves with this text as its configuration. A port other than 0 is for a gateway that comes back. */
export async function startGateway(config = '', { port = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'encke-'));
  const file = join(folder, 'encke.toml');
  await writeFile(file, config);
  return new Gateway(folder, ['serve', '--listen', `127.0.0.1:${port}`, '--config', file]).listens();
}

class Gateway extends Program {
  #folder;

  constructor(folder, args) {
    super('encke', args, { ENCKE_LOGGING__LEVEL: 'info' });
    this.#folder = folder;
  }

  async stop(signal) {
    await super.stop(signal);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Publishes JSON, and resolves to the receipt. `path` for routes that stand elsewhere. */
  async publish(channel, data, { name, key, path = '/publish', query = 'channel' } = {}) {
    const parameters = Object.entries({ [query]: channel, name, key }).filter(([, value]) => value !== undefined);
    return this.post(`${path}?${new URLSearchParams(parameters)}`, 'application/json', JSON.stringify(data));
  }

  /** How many follow a channel now, by any transport. */
  async subscribers(channel) {
    const answer = await fetch(`${this.url}/channels/${encodeURIComponent(channel)}`);
    if (answer.status === 404) return 0;
    const { subscribers } = await answer.json();
    return Object.values(subscribers).reduce((sum, count) => sum + count, 0);
  }
}
