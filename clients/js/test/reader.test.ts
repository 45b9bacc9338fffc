import assert from "node:assert/strict";
import { test } from "node:test";
import { selected } from "../src/place.js";
import { reader, type Reader } from "../src/reader.js";
import type { Item } from "../src/transport.js";
import type { Gap } from "../src/types.js";
import { Log } from "./log.js";

/** A reader with what it was given: the numbers of messages, and gaps as text. */
const reading = (log: Log, channels: string[], since = log.cursor()) => {
  const given: (number | string)[] = [];
  const passed: string[] = [];
  let place: string | undefined;
  const give = (item: Item) => void given.push(item.type === "message" ? item.seq : `${item.reason} ${item.channel} ${item.from}..${item.to}`);
  const one = reader(channels, since, { give, settle: (_, at) => void (place = at), pass: (at) => void passed.push(at) });
  return { one, given, passed, settled: () => place };
};

const catchUp = (log: Log, one: Reader) => {
  const { messages, cursor } = log.read(one.channels, one.since());
  one.catchUp(messages, cursor, true);
};

/** A reader that has caught up with the log. */
const joined = (log: Log, channels: string[], since?: string) => {
  const all = reading(log, channels, since);
  catchUp(log, all.one);
  return all;
};

/** Gives what a link that follows `channels` brings after a place. */
const bring = (log: Log, one: Reader, since: string, channels = one.channels) => log.read(channels, since).messages.forEach(one.offer);

test("patterns select as in the gateway", () => {
  const yes = [["a", "a"], ["a.*", "a.b"], ["*", "a"], ["**", "a"], ["**", "a.b"], ["a.**", "a.b"], ["a.**", "a.b.c"], ["*.b", "a.b"], ["a.*.**", "a.b.c.d"], ["a*", "a*"]];
  const no = [["a", "b"], ["a.*", "a"], ["a.*", "a.b.c"], ["*", "a.b"], ["a.**", "a"], ["a.**", "ab.c"], ["a*", "ab"], ["*.b", "a.c"], ["a.*.**", "a.b"]];
  for (const [selector, channel] of yes) assert.ok(selected(selector).test(channel), `${selector} is ${channel}`);
  for (const [selector, channel] of no) assert.ok(!selected(selector).test(channel), `${selector} is not ${channel}`);
});

test("D1 D3 the past, then the present, in order", () => {
  const log = new Log();
  log.append("a");
  const start = log.cursor();
  log.append(["a", "b"]);
  log.append("b");
  log.append("a");
  const { one, given, settled } = joined(log, ["a"], start);
  assert.deepEqual([given, settled(), one.seen()], [[2, 4], log.cursor(4), log.cursor(4)]);
  log.append("a");
  bring(log, one, log.cursor(4));
  assert.deepEqual([given, one.seen()], [[2, 4, 5], log.cursor(5)]);
});

test("D2 what a new link repeats is not given again", () => {
  const log = new Log();
  const { one, given } = joined(log, ["a", "b"]);
  log.append("a");
  log.append("b");
  bring(log, one, log.cursor(0));
  bring(log, one, log.cursor(1));
  log.append("a");
  bring(log, one, log.cursor(0));
  assert.deepEqual(given, [1, 2, 3]);
});

test("a place without messages counts", () => {
  const log = new Log();
  const { one, given, passed } = joined(log, ["a"]);
  log.append("b");
  one.passed(log.cursor());
  assert.deepEqual([one.seen(), passed], [log.cursor(1), [log.cursor(1)]]);
  one.passed(log.cursor(0));
  assert.equal(one.seen(), log.cursor(1), "a place never goes back");
  assert.deepEqual(given, []);
});

test("D1 a message that was swallowed on the way is told as lost", () => {
  const log = new Log();
  const { one, given } = joined(log, ["a"]);
  log.append("a");
  log.append("a");
  log.append("a");
  bring(log, one, log.cursor(2));
  assert.deepEqual(given, [`lost a ${log.cursor(0)}..${log.cursor(2)}`, 3]);
  log.append("a");
  bring(log, one, log.cursor(3));
  assert.equal(given.at(-1), 4);
});

test("what was in its channel before it began is not lost", () => {
  const log = new Log();
  log.append("a.one");
  log.append("a.two");
  const counted = joined(log, ["a.*"], "-1");
  const now = joined(log, ["a.*"], "latest");
  log.append("a.one");
  log.append("a.two");
  for (const { one } of [counted, now]) bring(log, one, log.cursor(2));
  assert.deepEqual([counted.given, now.given], [[2, 3, 4], [3, 4]]);
});

test("a message counts for each of its channels", () => {
  const log = new Log();
  const both = joined(log, ["a", "b"]);
  const b = joined(log, ["b"]);
  log.append(["a", "b"]);
  log.append("b");
  for (const { one } of [both, b]) bring(log, one, log.cursor(0), ["a", "b"]);
  assert.deepEqual([both.given, b.given], [[1, 2], [1, 2]], "`also` has the number before it");
  log.append(["a", "b"]);
  log.append("b");
  for (const { one } of [both, b]) bring(log, one, log.cursor(3), ["a", "b"]);
  assert.deepEqual(both.given.slice(2), [`lost b ${log.cursor(2)}..${log.cursor(3)}`, 4]);
  assert.deepEqual(b.given.slice(2), [`lost b ${log.cursor(2)}..${log.cursor(3)}`, 4]);
});

test("what is lost by `also` is told too", () => {
  const log = new Log();
  const { one, given } = joined(log, ["b"]);
  log.append("b");
  log.append(["a", "b"]);
  bring(log, one, log.cursor(1), ["a", "b"]);
  assert.deepEqual(given, [`lost b ${log.cursor(0)}..${log.cursor(1)}`, 2]);
});

test("readers that overlap get the same message, each once", () => {
  const log = new Log();
  const all = [["a.b"], ["a.*"], ["**"]].map((channels) => joined(log, channels));
  log.append("a.b");
  log.append("a.c");
  for (const { one } of all) bring(log, one, log.cursor(0), ["a.*", "a.b", "**"]);
  assert.deepEqual(all.map(({ given }) => given), [[1], [1, 2], [1, 2]]);
});

test("D7 a gap is told once, however many links tell it", () => {
  const log = new Log();
  const { one, given } = joined(log, ["a", "b"]);
  for (let i = 0; i < 5; i++) log.append("a");
  log.trim("a", 3);
  bring(log, one, log.cursor(0));
  bring(log, one, log.cursor(0));
  bring(log, one, log.cursor(2));
  assert.deepEqual(given, [`trimmed a ${log.cursor(0)}..${log.cursor(3)}`, 4, 5]);
});

test("a gap of what it does not follow, or has had already, is not its own", () => {
  const log = new Log();
  const { one, given } = joined(log, ["a"]);
  log.append("a");
  bring(log, one, log.cursor(0));
  const gap = (channel: string, to: string): Gap => ({ type: "gap", channel, from: log.cursor(0), to, reason: "slow" });
  one.offer(gap("b", log.cursor(9)));
  one.offer(gap("a", log.cursor(1)));
  assert.deepEqual(given, [1]);
});

test("D7 another life of the log is told for each channel, and goes on from its beginning", () => {
  const log = new Log();
  for (let i = 0; i < 9; i++) log.append(["a", "b"]);
  const old = log.cursor();
  const { one, given } = joined(log, ["a", "b"]);
  log.restart("bbbbbbbb");
  log.append("a");
  bring(log, one, old);
  log.append("b");
  bring(log, one, log.cursor(1));
  const from = `${old}..${log.cursor(0)}`;
  assert.deepEqual(given, [`epoch a ${from}`, `epoch b ${from}`, 1, 2]);
});

test("a place of another life of the log moves nothing: the link may be older than the reader", () => {
  const log = new Log();
  log.append("a");
  const old = log.cursor();
  log.restart("bbbbbbbb");
  log.append("a");
  const { one, given, passed } = joined(log, ["a"]);
  one.passed(old);
  assert.deepEqual([one.seen(), passed, given], [log.cursor(), [log.cursor()], []]);
});

test("D7 another life is told even if it is only a message that shows it", () => {
  const log = new Log();
  log.append("a");
  const old = log.cursor();
  const { one, given } = joined(log, ["a", "b"]);
  log.restart("bbbbbbbb");
  for (let i = 0; i < 3; i++) log.append("a");
  log.append("b");
  bring(log, one, log.cursor(2));
  const from = `${old}..${log.cursor(2)}`;
  assert.deepEqual(given, [`lost a ${from}`, `lost b ${from}`, 3, 4]);
});

test("D6 what a link brings meanwhile is held until the past is there", () => {
  const log = new Log();
  log.append("a");
  const { one, given, settled } = reading(log, ["a"], "earliest");
  const answer = log.read(["a"], "earliest");
  log.append("a");
  bring(log, one, log.cursor(0));
  one.passed(log.cursor());
  assert.deepEqual([given, one.joined(), settled()], [[], false, undefined]);
  one.catchUp(answer.messages, answer.cursor, true);
  assert.deepEqual([given, one.joined(), settled()], [[1, 2], true, log.cursor(1)]);
});

test("what was held and is in the past too is given once", () => {
  const log = new Log();
  const { one, given } = reading(log, ["a"], "earliest");
  log.append("a");
  bring(log, one, log.cursor(0));
  catchUp(log, one);
  assert.deepEqual(given, [1]);
});

test("the past may come in parts", () => {
  const log = new Log();
  for (let i = 0; i < 5; i++) log.append("a");
  const { one, given } = reading(log, ["a"], "earliest");
  for (let part = 0; !one.joined(); part++) {
    const { messages, cursor } = log.read(["a"], one.since(), 2);
    one.catchUp(messages, cursor, messages.length < 2);
    assert.ok(part < 5);
  }
  assert.deepEqual(given, [1, 2, 3, 4, 5]);
});

test("D9 what is held is bounded: beyond it the log is asked once more", () => {
  const log = new Log();
  const { one, given } = reading(log, ["a"], log.cursor());
  const answer = log.read(["a"], one.since());
  for (let i = 0; i < 1001; i++) log.append("a");
  bring(log, one, log.cursor(0), ["a"]);
  log.read(["a"], log.cursor(1000)).messages.forEach(one.offer);
  one.catchUp(answer.messages, answer.cursor, true);
  assert.ok(!one.joined());
  while (!one.joined()) catchUp(log, one);
  log.read(["a"], one.since()).messages.forEach(one.offer);
  assert.equal(given.length, 1001);
  assert.ok(given.every((seq, i) => seq === i + 1));
});

test("of many channels no more is remembered than is bounded, and nothing false is told", () => {
  const log = new Log();
  const { one, given } = joined(log, ["**"]);
  // By hand: the model's log is slow with so many.
  const message = (channel: string, seq: number, prev: number): Item => ({ type: "message", channel, seq, prev, cursor: log.cursor(seq), time: "", data: 0 });
  let seq = 0;
  for (let i = 0; i < 5000; i++) one.offer(message(`c${i}`, ++seq, 0));
  for (let i = 0; i < 5000; i++) one.offer(message(`c${i}`, ++seq, i + 1));
  assert.equal(given.length, 10_000);
  assert.ok(given.every((item) => typeof item === "number"));
});
