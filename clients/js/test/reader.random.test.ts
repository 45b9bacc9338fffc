import assert from "node:assert/strict";
import { test } from "node:test";
import { isBefore } from "../src/place.js";
import { reader, type Reader } from "../src/reader.js";
import type { Item } from "../src/transport.js";
import { dice, judge } from "./judge.js";
import { Log, type Batch } from "./log.js";

const CHANNELS = ["a", "b", "c.x", "c.y"];
const SELECTORS = ["a", "b", "c.x", "c.y", "c.*", "**"];

interface Place {
  channels: string[];
  began: string;
  place: string;
}

interface Seat {
  one: Reader;
  items: Item[];
  since: string;
  /** The answer to its poll, on its way; and whether the link had all of it when it was asked for. */
  answer?: Batch;
  sure?: boolean;
}

/** Plays a random history of links and readers against the log. */
const play = (seed: number, mayMiss: boolean) => {
  const { below, one, random, some } = dice(seed);
  const log = new Log();
  const seats: Seat[] = [];
  /** The links: the first carries, the second is to take over. */
  let links: Place[] = [];
  let left: Place | null = null;
  let calm = false;
  const limit = 1 + below(4);

  const start = (from: Place | null): string => {
    let place = from?.place ?? null;
    for (const { one } of seats) if (one.joined() && !one.isIn(from?.channels ?? []) && (!place || isBefore(one.seen()!, place))) place = one.seen();
    return place!;
  };
  const open = () => {
    const channels = [...new Set(seats.flatMap(({ one }) => (one.joined() ? one.channels : [])))];
    if (!channels.length || links.length === 2) return;
    const began = start(links[0] ?? left);
    links.push({ channels, began, place: began });
  };
  const covers = ({ one }: Seat) => one.isIn((links[0] ?? left)?.channels ?? []);
  const leave = () => {
    if (links[0]) left = links[0];
    links = [];
  };
  const flow = (link: Place, most: number) => {
    // The first word of the second link lets it take over.
    if (link === links[1]) links.shift();
    const { messages, cursor } = log.read(link.channels, link.place, most);
    for (const item of messages) {
      for (const { one } of seats) if (one.isIn(link.channels)) one.offer(item);
      if (item.type === "message") link.place = item.cursor;
      // It is cut between two of them.
      if (!calm && random() < 0.02) return leave();
    }
    link.place = cursor;
    for (const { one } of seats) if (one.isIn(link.channels)) one.passed(cursor);
  };
  const sit = () => {
    const at = one([log.cursor(), log.cursor(below(log.head + 1)), "latest"]);
    const items: Item[] = [];
    const seat: Seat = { items, since: at === "latest" ? "" : at, one: reader(some(SELECTORS), at, { give: (item) => void items.push(item as Item), settle: () => {} }) };
    seats.push(seat);
  };
  const ask = (seat: Seat) => {
    if (seat.one.joined() || seat.answer) return;
    seat.sure = covers(seat);
    seat.answer = log.read(seat.one.channels, seat.one.since(), limit);
  };
  const hear = (seat: Seat) => {
    const { answer } = seat;
    if (!answer) return;
    seat.answer = undefined;
    if (!calm && random() < 0.2) return;
    // `latest` begins where the answer says.
    seat.since ||= answer.cursor;
    const last = answer.messages.filter(({ type }) => type === "message").length < limit;
    seat.one.catchUp(answer.messages, answer.cursor, last && (seat.sure || !covers(seat)));
  };

  const steps: (() => void)[] = [
    () => void log.append(some(CHANNELS)),
    () => void log.append(one(CHANNELS)),
    () => links.length && flow(one(links), 1 + below(5)),
    () => links.length && flow(one(links), 1 + below(5)),
    () => seats.length < 4 && sit(),
    () => seats.length && ask(one(seats)),
    () => seats.length && hear(one(seats)),
    () => open(),
    () => random() < 0.3 && leave(),
    // What came is brought again.
    () => links[0] && random() < 0.3 && (links[0].place = links[0].began),
    () => mayMiss && random() < 0.1 && log.trim(one(CHANNELS), below(log.head + 1)),
    // Nothing of the last life comes after this, on links and in answers.
    () => {
      if (!mayMiss || random() > 0.05) return;
      leave();
      for (const seat of seats) seat.answer = undefined;
      log.restart(Array.from({ length: 8 }, () => one([..."abcdefgh"])).join(""));
    },
  ];
  for (let i = 0; i < 80; i++) one(steps)();
  // In the end everything gets through.
  for (const seat of seats) while (!seat.one.joined()) ask(seat), hear(seat);
  calm = true;
  // A reader that is alone with a life that has ended hears of it by the next message.
  if (mayMiss) log.append(CHANNELS);
  leave();
  open();
  if (links.length) flow(links[0], Infinity);
  for (const { one, since, items } of seats) {
    const wrong = judge(log, one.channels, since, items, mayMiss);
    assert.equal(wrong, undefined, `seed ${seed}, ${one.channels} since ${since}: ${wrong}; ${JSON.stringify(items)}`);
  }
  return seats.reduce((sum, { items }) => sum + items.length, 0);
};

test("D1 D2 D3 D10 any links, polls and deaths give every message after the place once, in order, and no gap", () => {
  let given = 0;
  for (let seed = 1; seed <= 2000; seed++) given += play(seed, false);
  assert.ok(given > 10_000, `it played something: ${given}`);
});

test("D1 D7 what retention or a restart took is told", () => {
  let given = 0;
  for (let seed = 1; seed <= 2000; seed++) given += play(seed, true);
  assert.ok(given > 10_000, `it played something: ${given}`);
});
