import assert from "node:assert/strict";
import { Page } from "./page.js";
import type { Wire } from "./socket.js";
import { listen, refuse, json, scene, type World } from "./world.js";

/** A client that has its link. */
const open = async (world: World, options: Parameters<World["client"]>[0] = {}, channel = "a") => {
  const client = world.client(options);
  const waits: number[] = [];
  client.on("state", ({ state, retryIn }) => void (state === "waiting" && waits.push(retryIn ?? 0)));
  const heard = listen(client, channel);
  await world.until(() => client.state === "open");
  await world.pass(100);
  return { client, heard, waits };
};

const isWithin = (ms: number, least: number) => ms >= least && ms <= least * 1.25;

scene("Retry-After and retry_after are obeyed, with a little spread, and count for nothing else", async (world) => {
  for (const answer of [refuse(503, "come-back-later", 7), json({}, 503, { "retry-after": "7" })]) {
    delete world.ways.sse;
    const { client, waits, heard } = await open(world, { transports: ["sse", "poll"] });
    world.ways.sse = () => answer.clone();
    world.cut();
    await world.until(() => waits.length === 2);
    assert.ok(isWithin(waits[1], 7000), `${waits}`);
    delete world.ways.sse;
    world.log.append("a", "late");
    await world.until(() => heard.data.length);
    assert.deepEqual([client.transport, heard.data], ["sse", ["late"]]);
    client.close();
  }
});

scene("a date in Retry-After is no number of seconds", async (world) => {
  const { client, waits } = await open(world, { transports: ["sse", "poll"] });
  world.ways.sse = () => json({}, 503, { "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" });
  world.cut();
  await world.until(() => client.transport === "poll");
  assert.ok(waits.every((ms) => ms <= 500));
});

scene("S4 a WebSocket that is drained comes back when it was told to", async (world) => {
  const { client, waits, heard } = await open(world);
  const [wire] = world.live() as Wire[];
  wire.say!(JSON.stringify({ type: "error", problem: { status: 503, remedy: "come-back-later", retry_after: 9 } }));
  wire.close(1012);
  world.log.append("a");
  await world.until(() => waits.length);
  assert.ok(isWithin(waits[0], 9000), `${waits}`);
  await world.until(() => heard.data.length);
  assert.deepEqual([client.transport, heard.data, waits.length], ["ws", [1], 1]);
});

scene("S4 a stream that is drained comes back when it was told to", async (world) => {
  const { client, waits } = await open(world, { transports: ["sse", "poll"] });
  const [link] = world.live();
  link.say!(`retry: 8000\nid: ${world.log.cursor()}\n\n`);
  await world.pass(10);
  link.end!();
  await world.until(() => waits.length);
  assert.ok(isWithin(waits[0], 8000), `${waits}`);
  await world.until(() => client.state === "open");
  assert.equal(client.transport, "sse");
});

scene("S4 those who are told the same come back at different times", async (world) => {
  const times: number[] = [];
  world.ways.sse = () => (times.push(Date.now()), refuse(503, "come-back-later", 4));
  await open(world, { transports: ["sse", "poll"] }).catch(() => {});
  await world.pass(60_000);
  const waits = times.map((at, i) => at - times[i - 1]).slice(1);
  assert.ok(waits.length > 8 && waits.every((ms) => ms >= 4000 && ms <= 5100), `${waits}`);
  assert.ok(new Set(waits).size > 5);
});

scene("a link that ends as it should is opened again, however often", async (world) => {
  const { client, waits } = await open(world);
  for (let i = 0; i < 5; i++) {
    world.live()[0].end!();
    await world.until(() => waits.length > i);
    await world.until(() => client.state === "open");
  }
  assert.deepEqual([client.transport, world.to("sse").length], ["ws", 0]);
  assert.ok(waits.every((ms) => ms <= 500));
});

scene("a silent WebSocket is pinged, and lives by the answer", async (world) => {
  const { client } = await open(world);
  const [wire] = world.live() as Wire[];
  await world.pass(15_000);
  assert.deepEqual(wire.commands, []);
  await world.pass(5000);
  assert.deepEqual(wire.commands, [{ type: "ping" }]);
  await world.pass(200_000);
  assert.ok(wire.commands.length > 5 && wire.commands.length < 20, `${wire.commands.length}`);
  assert.deepEqual([world.to("ws").length, client.state], [1, "open"]);
});

scene("a WebSocket that does not answer is replaced, and nothing is lost", async (world) => {
  const { client, heard } = await open(world);
  (world.live()[0] as Wire).mute!();
  world.log.append("a");
  await world.pass(20_000);
  assert.equal(world.to("ws").length, 1);
  await world.until(() => world.to("ws").length === 2, 10_000);
  await world.until(() => heard.data.length);
  assert.deepEqual([client.transport, heard.data], ["ws", [1]]);
});

scene("a stream that does not even send heartbeats is replaced", async (world) => {
  const { client, heard } = await open(world, { transports: ["sse"] });
  await world.pass(60_000);
  assert.equal(world.to("sse").length, 1, "heartbeats are enough");
  world.live()[0].mute!();
  world.log.append("a");
  await world.until(() => world.to("sse").length === 2, 25_000);
  await world.until(() => heard.data.length);
  assert.equal(client.transport, "sse");
});

scene("another heartbeat is another silence", async (world) => {
  world.heartbeat = 60_000;
  await open(world, { transports: ["sse"], heartbeat: 60_000 });
  await world.pass(200_000);
  assert.equal(world.to("sse").length, 1);
});

scene("a request that is held is not silence", async (world) => {
  const { client } = await open(world, { transports: ["longpoll"] });
  await world.pass(120_000);
  assert.equal(client.state, "open");
  const holds = world.to("longpoll").map(({ url }) => url.searchParams.get("wait"));
  assert.deepEqual([holds[0], new Set(holds.slice(1))], ["0", new Set(["25"])], "the first is not held");
});

scene("a pause between polls is not silence, however long", async (world) => {
  const { client } = await open(world, { transports: ["poll"], pollInterval: 90_000 });
  const states: string[] = [];
  client.on("state", ({ state }) => void states.push(state));
  await world.pass(400_000, 250);
  assert.deepEqual(states, []);
});

scene("polls are spread around their interval", async (world) => {
  await open(world, { transports: ["poll"], pollInterval: 1000 });
  world.asked.length = 0;
  await world.pass(20_000);
  const gaps = world.to("poll").map(({ at }, i, all) => (i ? at - all[i - 1].at : 1000)).slice(1);
  assert.ok(gaps.every((ms) => ms >= 800 && ms <= 1250), `${gaps}`);
  assert.ok(new Set(gaps).size > 5);
});

for (const type of ["online", "visibilitychange", "pageshow", "resume"])
  scene(`what is waited for is tried at once on ${type}`, async (world) => {
    const { client } = await open(world);
    const ways = ["ws", "sse", "longpoll", "poll"] as const;
    for (const way of ways) world.ways[way] = "refuse";
    world.cut();
    await world.pass(100_000);
    await world.until(() => client.state === "waiting");
    await world.pass(100);
    for (const way of ways) delete world.ways[way];
    const began = world.asked.length;
    Page.now().tell(type);
    await world.pass(50);
    assert.deepEqual([client.state, world.asked.length], ["open", began + 1]);
  });

scene("coming back asks whether the link lives: a dead one is replaced soon", async (world) => {
  const { client, heard } = await open(world);
  await world.pass(3000);
  const [wire] = world.live() as Wire[];
  Page.now().tell("online");
  assert.deepEqual(wire.commands, [{ type: "ping" }]);
  await world.pass(10_000);
  assert.equal(world.to("ws").length, 1, "it lives");
  wire.mute!();
  world.log.append("a");
  await world.pass(3000);
  Page.now().tell("online");
  await world.until(() => heard.data.length, 7000);
  assert.equal(client.transport, "ws");
});

scene("a page that is hidden does nothing about it", async (world) => {
  await open(world);
  await world.pass(3000);
  Page.now().hide(true);
  assert.deepEqual((world.live()[0] as Wire).commands, []);
  Page.now().hide(false);
  assert.deepEqual((world.live()[0] as Wire).commands, [{ type: "ping" }]);
});

for (const [away, back] of [["pagehide", "pageshow"], ["freeze", "resume"]])
  scene(`lets go on ${away} and resumes on ${back}, without loss`, async (world) => {
    const { client, heard } = await open(world);
    Page.now().tell(away);
    assert.deepEqual([world.live().length, client.state, client.transport], [0, "waiting", null]);
    world.log.append("a");
    await world.pass(60_000);
    assert.equal(world.to("ws").length, 1, "nothing is asked for meanwhile");
    Page.now().tell(back);
    await world.until(() => heard.data.length, 1000);
    assert.deepEqual([heard.data, client.transport], [[1], "ws"]);
  });

scene("use() changes the transport and loses nothing", async (world) => {
  const { client, heard } = await open(world);
  const states: string[] = [];
  client.on("state", ({ state, transport }) => void states.push(`${state} ${transport}`));
  for (const name of ["sse", "longpoll", "poll", "ws"] as const) {
    client.use(name);
    world.log.append("a");
    await world.until(() => client.transport === name);
    world.log.append("a");
    await world.until(() => heard.data.length === world.log.head);
    await world.until(() => world.live().every(({ asked }) => asked.route === name));
  }
  assert.deepEqual(heard.data, world.log.seqs("a"));
  assert.deepEqual(states, ["open sse", "open longpoll", "open poll", "open ws"], "never without a link");
});

scene("close() ends everything", async (world) => {
  const { client, heard } = await open(world);
  client.close();
  assert.deepEqual([client.state, client.transport, world.live().length], ["closed", null, 0]);
  const asked = world.asked.length;
  world.log.append("a");
  Page.now().tell("online");
  Page.now().tell("pageshow");
  await world.pass(60_000);
  assert.deepEqual([world.asked.length, heard.data, client.state], [asked, [], "closed"]);
});

scene("what a handler throws is the application's, and breaks nothing", async (world) => {
  const client = world.client();
  const good = listen(client, "a");
  client.subscribe("a", () => assert.fail("mine"));
  client.on("state", () => assert.fail("mine too"));
  await world.until(() => client.state === "open");
  world.log.append("a");
  world.log.append("a");
  await world.until(() => good.data.length === 2);
  await world.pass(10);
  assert.deepEqual(world.thrown.map((error) => (error as Error).message), ["mine too", "mine too", "mine", "mine"]);
  assert.equal(world.to("ws").length, 1);
});

scene("what listens can stop to", async (world) => {
  const client = world.client();
  const states: string[] = [];
  const stop = client.on("state", ({ state }) => void states.push(state));
  listen(client, "a");
  await world.until(() => client.state === "open");
  stop();
  client.close();
  assert.deepEqual(states, ["connecting", "open"]);
});
