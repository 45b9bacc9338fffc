import assert from "node:assert/strict";
import type { Wire } from "./socket.js";
import { listen, scene } from "./world.js";

// What a transport has learned of the way it keeps for the life of the page, so the order of these counts.

scene("a WebSocket that is refused late has not been idle", async (world) => {
  world.ways.ws = () => new Promise((done) => setTimeout(() => done(world.to("ws").length > 1 ? "live" : "refuse"), 1500));
  const client = world.client({ transports: ["ws"] });
  listen(client, "a");
  await world.until(() => client.state === "open");
  await world.pass(15_000);
  assert.deepEqual((world.live()[0] as Wire).commands, []);
});

scene("a long-poll that something on the way cuts is held for less time", async (world) => {
  const client = world.client({ transports: ["longpoll", "poll"] });
  listen(client, "a");
  await world.until(() => client.state === "open");
  const stop = setInterval(() => world.live("longpoll").forEach((link) => Date.now() - link.asked.at >= 10_000 && link.cut()), 100);
  await world.pass(60_000);
  clearInterval(stop);
  const holds = world.to("longpoll").map(({ url }) => +url.searchParams.get("wait")!);
  assert.deepEqual([client.transport, client.state, holds.find((wait) => wait), holds.at(-1)], ["longpoll", "open", 25, 5]);
});

scene("a way that cuts what is idle is kept open from then on", async (world) => {
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.state === "open");
  for (const _ of ["may be anything", "a proxy that is tired of waiting"]) {
    await world.pass(4000);
    world.cut();
    await world.until(() => client.state === "open");
    assert.equal(client.transport, "ws");
  }
  await world.pass(10_000);
  const wire = world.live()[0] as Wire;
  assert.ok(wire.commands.length >= 3 && wire.commands.length < 12, `${wire.commands.length} pings`);
  assert.ok(wire.commands.every(({ type }) => type === "ping"));
});
