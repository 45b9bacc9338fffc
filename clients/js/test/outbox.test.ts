import assert from "node:assert/strict";
import { Page } from "./page.js";
import { EnckeError } from "../src/outbox.js";
import { json, refuse, scene, type World } from "./world.js";

/** The lines of a request. */
const lines = (body: string): Record<string, unknown>[] => body.split("\n").map((line) => JSON.parse(line));
const batches = (world: World) => world.to("publish").map(({ body }) => lines(body).map(({ data }) => data));
const failed = (promise: Promise<unknown>) => promise.then(() => assert.fail("it was taken"), (error: EnckeError) => error);

scene("publishes, and gives the place", async (world) => {
  const client = world.client();
  assert.deepEqual(await world.of(client.publish("a", { n: 1 }, { name: "first" })), { cursor: world.log.cursor(1), seq: 1, subscribers: 0 });
  const [{ url, body }] = world.to("publish");
  const [{ key, ...line }] = lines(body);
  assert.deepEqual([url.pathname, line], ["/publish", { channel: "a", data: { n: 1 }, name: "first" }]);
  assert.match(key as string, /^[\w.-]{8,100}$/);
});

scene("bytes go as base64", async (world) => {
  await world.of(world.client().publish("a", new Uint8Array([0, 255, 128])));
  assert.equal(lines(world.to("publish")[0].body)[0].base64, "AP+A");
});

scene("what comes while a request is under way goes together, in order", async (world) => {
  const client = world.client();
  const all = Array.from({ length: 250 }, (_, i) => client.publish("a", i));
  const receipts = await world.of(Promise.all(all));
  assert.deepEqual(receipts.map(({ seq }) => seq), all.map((_, i) => i + 1));
  assert.deepEqual(batches(world).map(({ length }) => length), [1, 100, 100, 49]);
});

scene("a batch stays below what the gateway takes, in bytes", async (world) => {
  const client = world.client();
  await world.of(Promise.all(Array.from({ length: 40 }, () => client.publish("a", "ж".repeat(4000)))));
  const sizes = world.to("publish").map(({ body }) => new TextEncoder().encode(body).length);
  assert.ok(sizes.every((size) => size <= 65_536), `${sizes}`);
  assert.ok(sizes.length < 15, `${sizes}`);
});

scene("a large one goes alone", async (world) => {
  const client = world.client();
  await world.of(Promise.all(["s", "x".repeat(60_000), "t"].map((data) => client.publish("a", data))));
  assert.deepEqual(batches(world).map(({ length }) => length), [1, 1, 1]);
});

scene("L4 without an answer: again, the same with the same keys, and stored once", async (world) => {
  const client = world.client();
  let lost = 3;
  world.ways.publish = ({ body }) => {
    if (!lost--) return (delete world.ways.publish, "live");
    // It is stored, and the answer is lost.
    for (const line of lines(body)) world.store(line as Record<string, string>);
    return "refuse";
  };
  const receipts = await world.of(Promise.all([1, 2, 3].map((n) => client.publish("a", n))));
  assert.deepEqual([receipts[0].repeated, receipts.map(({ seq }) => seq), world.log.head], [true, [1, 2, 3], 3]);
  const bodies = world.to("publish").map(({ body }) => body);
  assert.equal(new Set(bodies.slice(0, 4)).size, 1, "what came later waits for the first");
});

scene("a key of the application is kept", async (world) => {
  const client = world.client();
  await world.of(client.publish("a", 1, { key: "order-17" }));
  const again = await world.of(client.publish("a", 1, { key: "order-17" }));
  assert.deepEqual([again.repeated, world.log.head], [true, 1]);
});

scene("no two clients make the same keys", async (world) => {
  const clients = [world.client(), world.client()];
  await world.of(Promise.all(clients.flatMap((client) => [client.publish("a", 1), client.publish("a", 1)])));
  assert.equal(new Set(world.to("publish").flatMap(({ body }) => lines(body).map(({ key }) => key))).size, 4);
});

scene("offline: it waits longer and longer, and goes when the network is back", async (world) => {
  const client = world.client();
  world.ways.publish = "refuse";
  const sent = client.publish("a", 1);
  await world.pass(200_000);
  const tries = world.to("publish").length;
  assert.ok(tries > 8 && tries < 40, `${tries}`);
  delete world.ways.publish;
  Page.now().tell("online");
  await world.pass(20);
  assert.equal((await sent).seq, 1);
});

scene("more to publish does not hurry what waits", async (world) => {
  const client = world.client();
  world.ways.publish = () => refuse(503, "come-back-later", 30);
  const all = [client.publish("a", 0)];
  await world.pass(20);
  for (let i = 1; i < 20; i++) {
    all.push(client.publish("a", i));
    await world.pass(1000);
  }
  assert.equal(world.to("publish").length, 1);
  delete world.ways.publish;
  const receipts = await world.of(Promise.all(all));
  assert.deepEqual(receipts.map(({ seq }) => seq), all.map((_, i) => i + 1));
});

for (const [name, answer] of [
  ["retry_after", refuse(503, "come-back-later", 20)],
  ["Retry-After", json({}, 503, { "retry-after": "20" })],
  ["Retry-After of a proxy that counts requests", new Response("slow down", { status: 429, headers: { "retry-after": "20" } })],
] as const)
  scene(`comes again after ${name}`, async (world) => {
    world.ways.publish = () => (world.to("publish").length === 1 ? answer.clone() : "live");
    await world.of(world.client().publish("a", 1));
    const [first, second] = world.to("publish");
    assert.ok(second.at - first.at >= 20_000, `${second.at - first.at}`);
  });

scene("what is refused for good is refused, with its reason", async (world) => {
  const client = world.client();
  world.ways.publish = () => refuse(403, "give-up");
  const error = await world.of(failed(client.publish("a", 1)));
  assert.ok(error instanceof EnckeError && error instanceof Error);
  assert.deepEqual([error.message, error.problem.status, error.problem.remedy], ["refused with 403", 403, "give-up"]);
  world.ways.publish = () => new Response("<h1>no</h1>", { status: 404 });
  assert.equal((await world.of(failed(client.publish("a", 2)))).problem.status, 404);
  assert.equal(world.to("publish").length, 2);
});

scene("lines are refused one by one; those to come again come again", async (world) => {
  const client = world.client();
  const first = client.publish("a", "first");
  const all = ["good", "bad", "full"].map((data) => client.publish("a", data).then(({ seq }) => seq, ({ message }) => message));
  let full = true;
  world.ways.publish = ({ body }) => {
    const results = lines(body).map((line) => {
      if (line.data === "bad") return { status: 400, detail: "no such name", remedy: "give-up" };
      if (line.data === "full" && full) return ((full = false), { status: 507, detail: "full", remedy: "come-back-later", retry_after: 5 });
      return world.store(line as Record<string, string>);
    });
    return json({ results });
  };
  await world.of(first);
  assert.deepEqual(await world.of(Promise.all(all)), [2, "no such name", 3]);
  assert.deepEqual(batches(world), [["first"], ["good", "bad", "full"], ["full"]]);
});

scene("an answer that is no JSON is no answer", async (world) => {
  world.ways.publish = () => (world.to("publish").length < 3 ? new Response("<h1>Welcome to this Wi-Fi</h1>") : "live");
  assert.equal((await world.of(world.client().publish("a", 1))).seq, 1);
});

scene("a token that is refused is asked for again", async (world) => {
  let now = 0;
  world.ways.publish = ({ token }) => (token === "token-2" ? "live" : refuse(401, "reauthenticate"));
  const receipt = await world.of(world.client({ token: () => `token-${++now}` }).publish("a", 1));
  assert.deepEqual([receipt.seq, world.to("publish").map(({ token }) => token)], [1, ["token-1", "token-2"]]);
});

scene("no more wait than may", async (world) => {
  const client = world.client({ buffer: 3 });
  world.ways.publish = "refuse";
  const all = [1, 2, 3].map((n) => client.publish("a", n));
  const error = await world.of(failed(client.publish("a", 4)));
  assert.ok(error instanceof EnckeError);
  delete world.ways.publish;
  await world.of(Promise.all(all));
  assert.equal((await world.of(client.publish("a", 5))).seq, 4);
});

scene("L4 what has no answer is not repeated beyond the time for which the gateway knows keys", async (world) => {
  const client = world.client();
  world.ways.publish = "refuse";
  const error = failed(client.publish("a", 1));
  await world.pass(500_000, 250);
  assert.ok(world.to("publish").length > 15);
  await world.of(error);
  const last = world.to("publish").at(-1)!;
  assert.ok(last.at - world.to("publish")[0].at < 600_000);
  assert.ok((await error) instanceof EnckeError);
  await world.pass(60_000);
  assert.equal(world.to("publish").at(-1), last);
});

scene("a request that hangs is given up and sent again", async (world) => {
  world.ways.publish = () => (world.to("publish").length === 1 ? "mute" : "live");
  await world.of(world.client().publish("a", 1));
  const [first, second] = world.to("publish");
  assert.ok(second.at - first.at >= 15_000 && second.at - first.at < 17_000);
});

scene("close() refuses what waits, and sends nothing more", async (world) => {
  const client = world.client();
  world.ways.publish = "refuse";
  const all = [1, 2].map((n) => failed(client.publish("a", n)));
  await world.pass(5);
  client.close();
  assert.ok((await world.of(Promise.all(all))).every((error) => error instanceof EnckeError));
  await world.pass(60_000);
  assert.equal(world.to("publish").length, 1);
});
