import assert from "node:assert/strict";
import type { EnckeError } from "../src/outbox.js";
import { presence } from "../src/presence.mjs";
import { json, refuse, scene } from "./world.js";

const failed = (promise: Promise<unknown>) => promise.then(() => assert.fail("it was answered"), (error: EnckeError) => error);

scene("asks who is on a channel", async (world) => {
  const members = { type: "presence", channel: "chat", count: 3, members: [{ key: "subject:ann", subject: "ann", since: "", transports: { ws: 2 }, connections: 2 }], next: "subject:ann" };
  world.ways.command = () => json(members);
  assert.deepEqual(await world.of(presence("chat", { url: "http://gateway/", token: "t", after: "client:1", limit: 1 })), members);
  await world.of(presence("chat", { url: "http://gateway/live", path: "/orders?x=1" })).catch(() => {});
  const [{ url, token, body }, other] = world.asked;
  assert.deepEqual([url.href, token, JSON.parse(body)], ["http://gateway/command", "t", { type: "presence", channel: "chat", after: "client:1", limit: 1 }]);
  assert.deepEqual([other.url.href, other.token], ["http://gateway/orders?x=1", null]);
});

scene("what is refused rejects, with its reason", async (world) => {
  world.ways.command = () => refuse(403, "give-up");
  const error = await failed(world.of(presence("chat", { url: "http://gateway/" })));
  assert.deepEqual([error.message, error.problem.remedy], ["refused with 403", "give-up"]);
  world.ways.command = () => new Response("<html>", { status: 502 });
  const strange = await failed(world.of(presence("chat", { url: "http://gateway/" })));
  assert.deepEqual([strange.message, strange.problem.status], ["the answer was 502", 502]);
});
