import assert from "node:assert/strict";
import { listen, refuse, scene, type World } from "./world.js";

/** The times at which a route was asked for, since the first request. */
const times = (world: World, route: string) => world.to(route).map(({ at }) => at - world.asked[0].at);

scene("the best transport that works is used, after one poll for the past", async (world) => {
  const client = world.client();
  assert.deepEqual([client.state, client.transport, world.asked.length], ["idle", null, 0], "nothing is sent before it is needed");
  const states: string[] = [];
  client.on("state", ({ state, transport }) => void states.push(`${state} ${transport}`));
  listen(client, "a");
  await world.until(() => client.transport === "ws");
  assert.deepEqual(world.asked.map(({ route }) => route), ["poll", "ws"]);
  assert.deepEqual(states, ["connecting null", "open ws"]);
});

scene("refused at once: the next without delay", async (world) => {
  world.ways.ws = world.ways.sse = "refuse";
  const client = world.client();
  const states: string[] = [];
  client.on("state", ({ state }) => void states.push(state));
  listen(client, "a");
  await world.until(() => client.transport === "longpoll");
  assert.ok(times(world, "longpoll")[0] < 100, "all within a few answers");
  assert.ok(!states.includes("waiting"));
});

scene("opens and says nothing: the next after the opening time", async (world) => {
  world.ways.ws = "mute";
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "sse");
  const [ws] = times(world, "ws");
  const [sse] = times(world, "sse");
  assert.ok(sse - ws >= 2000 && sse - ws < 3000, `${sse - ws}`);
});

scene("where nothing got through in time, each has longer in the next round", async (world) => {
  world.latency = 3000;
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.state === "open");
  assert.deepEqual(["ws", "sse", "longpoll"].map((name) => world.to(name).length), [2, 1, 1]);
  assert.equal(client.transport, "ws");
});

scene("a stream whose bytes are held back is dropped for what gets through", async (world) => {
  world.ways.ws = "refuse";
  world.ways.sse = () => new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } });
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "longpoll");
  const [sse] = times(world, "sse");
  assert.ok(times(world, "longpoll")[0] - sse < 3000);
});

scene("the first break: the same again; two in a row: the next; nothing is lost", async (world) => {
  const client = world.client();
  const heard = listen(client, "a");
  await world.until(() => client.transport === "ws");
  world.cut();
  world.log.append("a");
  await world.until(() => client.transport === "ws");
  assert.equal(world.to("sse").length, 0);
  world.cut();
  world.log.append("a");
  await world.until(() => client.transport === "sse");
  world.log.append("a");
  await world.until(() => heard.data.length === 3);
  assert.deepEqual(heard.data, [1, 2, 3]);
});

scene("breaks of a link that had stood are not counted", async (world) => {
  const client = world.client();
  listen(client, "a");
  for (let i = 0; i < 5; i++) {
    await world.until(() => client.state === "open");
    for (let s = 0; s < 8; s++) {
      world.log.append("a");
      await world.pass(1000);
    }
    world.cut();
    await world.settle();
  }
  await world.until(() => client.state === "open");
  assert.deepEqual([client.transport, world.to("sse").length], ["ws", 0]);
});

scene("climbs beside the old link, and loses nothing", async (world) => {
  world.ways.ws = "refuse";
  const client = world.client();
  const heard = listen(client, "a");
  const transports: unknown[] = [];
  client.on("state", ({ state, transport }) => void transports.push(state === "open" ? transport : state));
  await world.until(() => client.transport === "sse");
  delete world.ways.ws;
  await world.until(() => {
    world.log.append("a");
    return client.transport === "ws";
  });
  assert.deepEqual(transports, ["connecting", "sse", "ws"], "the old one carried until the new one spoke");
  await world.pass(100);
  assert.equal(world.live().length, 1, "and then it was closed");
  assert.deepEqual(heard.data, world.log.seqs("a"));
  assert.ok(times(world, "ws")[1] < 15_000);
});

scene("climbs to the best that works, not only to the top", async (world) => {
  world.ways.ws = world.ways.sse = world.ways.longpoll = "refuse";
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "poll");
  delete world.ways.longpoll;
  await world.until(() => client.transport === "longpoll", 30_000);
});

scene("climbing backs off, and what carries is not touched by it", async (world) => {
  world.ways.ws = "refuse";
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "sse");
  await world.pass(1_000_000, 250);
  const gaps = times(world, "ws").slice(1).map((at, i, all) => (i ? at - all[i - 1] : 0)).slice(1);
  assert.deepEqual(gaps.map((ms) => Math.round(ms / 10_000)), [2, 4, 8, 16, 30, 30], "doubled up to five minutes");
  assert.deepEqual([client.transport, world.to("sse").length], ["sse", 1]);
});

scene("use() begins anew with climbing, and so does a better transport that stands", async (world) => {
  world.ways.ws = "refuse";
  const client = world.client();
  listen(client, "a");
  const climbs = async (least: number, most: number) => {
    await world.until(() => client.transport === "sse");
    const began = Date.now();
    const tried = world.to("ws").length;
    await world.until(() => world.to("ws").length > tried, 400_000);
    assert.ok(Date.now() - began >= least && Date.now() - began <= most, `${Date.now() - began}`);
  };
  await climbs(9000, 12_000);
  await world.pass(300_000, 100);
  client.use("ws", "sse");
  await world.pass(100);
  await climbs(9000, 12_000);
  await world.pass(300_000, 100);
  delete world.ways.ws;
  await world.until(() => client.transport === "ws", 400_000);
  await world.pass(10_000);
  world.ways.ws = "refuse";
  world.cut();
  await climbs(9000, 25_000);
});

scene("a transport that opens and breaks is tried less and less", async (world) => {
  // It lets the first frame through, and cuts soon after it.
  const stop = setInterval(() => world.cut("ws"), 700);
  const client = world.client();
  listen(client, "a");
  await world.pass(400_000, 100);
  clearInterval(stop);
  assert.ok(world.to("ws").length < 20, `${world.to("ws").length} times`);
  assert.equal(client.transport, "sse");
});

scene("what worked is remembered for the next page", async (world) => {
  world.ways.ws = "refuse";
  const first = world.client();
  listen(first, "a");
  await world.until(() => first.transport === "sse");
  assert.equal(world.storage.size, 0, "not before it stands");
  await world.until(() => world.storage.size);
  assert.deepEqual([...world.storage], [["encke http://gateway/", "sse"]]);
  first.close();
  world.asked.length = 0;
  const second = world.client();
  listen(second, "a");
  await world.until(() => second.state === "open");
  assert.deepEqual(world.asked.map(({ route }) => route), ["poll", "sse"]);
});

scene("what is remembered and not wanted any more is nothing", async (world) => {
  world.storage.set("encke http://gateway/", "iframe");
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "ws");
});

scene("storage that is closed to the page changes nothing", async (world) => {
  Object.defineProperty(globalThis, "localStorage", { get: () => assert.fail("SecurityError"), configurable: true });
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.state === "open");
  await world.pass(10_000);
  assert.equal(client.state, "open");
});

scene("all down: rounds with growing waits of full jitter, until one gets through", async (world) => {
  const client = world.client();
  const waits: number[] = [];
  listen(client, "a");
  await world.until(() => client.state === "open");
  client.on("state", ({ state, retryIn }) => void (state === "waiting" && waits.push(retryIn!)));
  for (const route of ["ws", "sse", "longpoll", "poll"] as const) world.ways[route] = "refuse";
  world.cut();
  await world.pass(300_000);
  // The first is after a break; each other one after a whole round.
  const limits = waits.slice(1).map((_, round) => Math.min(30_000, 500 * 2 ** (round + 1)));
  assert.ok(waits.length > 10 && waits.length < 60, `${waits.length}`);
  waits.slice(1).forEach((wait, i) => assert.ok(wait <= limits[i], `${wait} of ${limits[i]}`));
  assert.ok(Math.max(...waits) > 15_000 && Math.min(...waits.slice(6)) < 10_000, "anything up to the limit");
  for (const route of ["ws", "sse", "longpoll", "poll"] as const) delete world.ways[route];
  await world.until(() => client.state === "open");
});

scene("a transport that cannot be loaded is passed by", async (world) => {
  world.ways.ws = "refuse";
  const client = world.client({ transports: ["ws", "telegraph" as "poll", "poll"] });
  listen(client, "a");
  await world.until(() => client.transport === "poll");
});

scene("what the gateway refuses for good is told", async (world) => {
  const client = world.client();
  const errors: string[] = [];
  client.on("error", ({ message }) => void errors.push(message));
  world.ways.ws = "refuse";
  world.ways.sse = () => refuse(403, "give-up");
  listen(client, "a");
  await world.until(() => client.transport === "longpoll");
  assert.deepEqual(errors, ["refused with 403"]);
});
