import assert from "node:assert/strict";
import { test } from "node:test";
import { epochOf, isBefore } from "../src/place.js";
import type { Item } from "../src/transport.js";
import type { Message, Subscription } from "../src/types.js";
import { dice, judge } from "./judge.js";
import { World, type Way } from "./world.js";

const CHANNELS = ["a", "b", "c.x", "c.y"];
const SELECTORS = ["a", "b", "c.x", "c.*", "**"];
const ROUTES = ["ws", "sse", "longpoll", "poll"] as const;

interface Seat {
  channel: string;
  subscription: Subscription;
  items: Item[];
  since?: string;
  latest?: boolean;
  left?: boolean;
}

/** The place before a message. */
const before = ({ cursor, seq }: Message) => `${epochOf(cursor)}-${seq - 1}`;

/** A client in a world where everything happens at random. */
const play = async (seed: number, mayMiss: boolean) => {
  const { below, one, some, random } = dice(seed);
  const world = new World(seed);
  const { log } = world;
  world.latency = one([1, 10, 40]);
  const client = world.client({ transports: [...ROUTES], pollInterval: 200 });
  const seats: Seat[] = [];
  const lives = () => "abcdefgh".replace(/./g, () => one([..."abcdefgh"]));

  const sit = () => {
    const channel = one(SELECTORS);
    const items: Item[] = [];
    const begin = one([log.cursor(), log.cursor(below(log.head + 1)), "latest"]);
    const add = (item: Item) => void items.push(item);
    const subscription = client.subscribe(channel, (_, message) => add(message), { since: begin, gap: add });
    const seat: Seat = { channel, items, subscription };
    if (begin !== "latest") seat.since = begin;
    else seat.latest = true;
    if (seat.latest) subscription.ready.then((place) => (seat.since = place));
    seats.push(seat);
  };
  const way = (): Way => one(["live", "live", "live", "refuse", "mute"]);
  const steps: (() => unknown)[] = [
    () => log.append(some(CHANNELS)),
    () => log.append(one(CHANNELS)),
    () => log.append(one(CHANNELS)),
    () => seats.length < 5 && sit(),
    () => random() < 0.3 && (world.ways[one(ROUTES)] = way()),
    () => random() < 0.5 && world.live().length && one(world.live()).cut(),
    () => random() < 0.3 && world.live().length && one(world.live()).end?.(),
    () => random() < 0.1 && world.live().length && one(world.live()).mute?.(),
    () => random() < 0.3 && client.use(...some(ROUTES)),
    () => {
      if (random() > 0.2 || !seats.length) return;
      const seat = one(seats);
      seat.left = true;
      seat.subscription.unsubscribe();
    },
    () => mayMiss && random() < 0.1 && log.trim(one(CHANNELS), below(log.head + 1)),
    () => {
      if (!mayMiss || random() > 0.1) return;
      log.restart(lives());
      world.cut();
    },
    () => world.pass(one([1, 10, 100, 3000]), 10),
    () => world.pass(one([1, 10, 50]), 10),
    () => world.pass(5, 5),
  ];
  try {
    sit();
    for (let i = 0; i < 60; i++) await one(steps)();
    // In the end everything gets through.
    for (const route of ROUTES) delete world.ways[route];
    world.cut();
    const rest = seats.filter(({ left }) => !left);
    await world.until(() => rest.every(({ since }) => since), 200_000);
    if (mayMiss) await world.pass(3000, 50);
    log.append(CHANNELS, "end");
    const ends = ({ items }: Seat) => items.some((item) => item.type === "message" && item.data === "end");
    await world.until(() => rest.every(ends), 200_000);
    for (const { channel, items, since, latest } of rest) {
      // `latest` may have got something before all of its past was there.
      const begin = items[0]?.type === "message" && latest && !isBefore(since!, items[0].cursor) ? before(items[0]) : since!;
      const wrong = judge(log, [channel], begin, items, mayMiss);
      assert.equal(wrong, undefined, `seed ${seed}, ${channel} since ${since}: ${wrong}; ${JSON.stringify(items.map((item) => (item.type === "message" ? item.cursor : item)))}`);
    }
    assert.deepEqual(world.thrown, []);
    return rest.reduce((sum, { items }) => sum + items.length, 0);
  } catch (error) {
    throw Object.assign(error as Error, { message: `seed ${seed}: ${(error as Error).message}` });
  } finally {
    world.end();
    await world.settle();
  }
};

test("D1 D2 D3 D10 whatever breaks, every subscription gets every message once, in order, and no gap", async () => {
  let given = 0;
  for (let seed = 1; seed <= 150; seed++) given += await play(seed, false);
  assert.ok(given > 1000, `it played something: ${given}`);
});

test("D1 D7 and what retention or a restart took is told", async () => {
  let given = 0;
  for (let seed = 1; seed <= 150; seed++) given += await play(seed, true);
  assert.ok(given > 1000, `it played something: ${given}`);
});
