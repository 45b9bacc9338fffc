// The real gateway, as a process of its own on a free port of loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const path = process.env.ENCKE_BIN ?? join(target, 'debug', 'encke');
  if (!existsSync(path)) throw new Error(`${path} is missing: cargo build -p encke-gateway, or set ENCKE_BIN`);
  return path;
}

// What is named ENCKE_ configures the gateway, which is for the test to do.
const foreign = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ENCKE_')));

/** Serves with this text as its configuration. A port other than 0 is for a gateway that comes back. */
export async function startGateway(config = '', { port = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'encke-'));
  const file = join(folder, 'encke.toml');
  await writeFile(file, config);
  const child = spawn(binary(), ['serve', '--listen', `127.0.0.1:${port}`, '--config', file], {
    env: { ...foreign, ENCKE_LOGGING__LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gateway = new Gateway(child, folder);
  try {
    await within(10_000, 'a gateway that listens', gateway.listens);
  } catch (error) {
    await gateway.stop();
    throw new Error(`${error.message}\n${gateway.log.join('\n')}`);
  }
  return gateway;
}

class Gateway {
  /** The last lines that it has said. */
  log = [];
  port = 0;
  #child;
  #folder;
  #ended;
  #kill = () => this.#child.kill('SIGKILL');

  constructor(child, folder) {
    this.#child = child;
    this.#folder = folder;
    this.#ended = once(child, 'exit');
    this.listens = new Promise((listens, fails) => {
      // It is listened to as long as it lives, so that it never waits for being heard.
      createInterface({ input: child.stderr }).on('line', line => {
        this.log = [...this.log.slice(-99), line];
        const [, port] = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(line) ?? [];
        if (port) listens(this.port = Number(port));
      });
      this.#ended.then(([code]) => fails(new Error(`the gateway ended with ${code}`)), fails);
    });
    this.listens.catch(() => {});
    process.on('exit', this.#kill);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends this process and waits for its end; SIGTERM drains. */
  async stop(signal = 'SIGKILL') {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.#ended.catch(() => {});
    process.off('exit', this.#kill);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Publishes JSON, and resolves to the receipt. `path` for routes that stand elsewhere. */
  async publish(channel, data, { name, key, path = '/publish', query = 'channel' } = {}) {
    const parameters = Object.entries({ [query]: channel, name, key }).filter(([, value]) => value !== undefined);
    return this.#post(`${path}?${new URLSearchParams(parameters)}`, 'application/json', JSON.stringify(data));
  }

  /** Publishes lines of `{channel, data, name}` at once, and resolves to their receipts. */
  async publishBatch(messages) {
    const lines = messages.map(message => JSON.stringify(message)).join('\n');
    const { results } = await this.#post('/publish', 'application/x-ndjson', lines);
    return results;
  }

  /** How many follow a channel now, by any transport. */
  async subscribers(channel) {
    const answer = await fetch(`${this.url}/channels/${encodeURIComponent(channel)}`);
    if (answer.status === 404) return 0;
    const { subscribers } = await answer.json();
    return Object.values(subscribers).reduce((sum, count) => sum + count, 0);
  }

  async #post(path, type, body) {
    const answer = await fetch(this.url + path, { method: 'POST', headers: { 'content-type': type }, body });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
}
