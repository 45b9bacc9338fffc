import assert from "node:assert/strict";
import { Page } from "./page.js";
import { json, listen, refuse, scene, type World } from "./world.js";

const polls = (world: World) => world.to("poll").map(({ channels, since }) => `${channels} since ${since}`);

scene("D4 `ready` has a place, also of a channel that does not exist yet", async (world) => {
  const { subscription } = listen(world.client(), "nobody");
  assert.equal(subscription.cursor, null);
  assert.equal(await world.of(subscription.ready), world.log.cursor(0));
  assert.deepEqual([subscription.cursor, subscription.channel], [world.log.cursor(0), "nobody"]);
});

scene("those who begin at the same place ask together; a count is of each one's own", async (world) => {
  const client = world.client();
  for (let i = 0; i < 6; i++) world.log.append(i % 2 ? "a" : "b");
  const [a, b] = ["a", "b"].map((channel) => listen(client, channel, "-2"));
  listen(client, "c", "earliest");
  listen(client, "d", "earliest");
  listen(client, "e");
  listen(client, "f", "");
  await world.until(() => client.state === "open");
  assert.deepEqual(polls(world), ["a since -2", "b since -2", "c,d since earliest", "e,f since latest"]);
  assert.deepEqual([a.data, b.data], [[4, 6], [3, 5]]);
});

scene("D1 a full answer is followed by the next, and the link waits for the last", async (world) => {
  for (let i = 0; i < 2500; i++) world.log.append("a");
  const client = world.client();
  const heard = listen(client, "a", "earliest");
  await world.until(() => client.state === "open");
  assert.deepEqual(polls(world), ["earliest", world.log.cursor(1000), world.log.cursor(2000)].map((since) => `a since ${since}`));
  assert.deepEqual(heard.data, world.log.seqs("a"));
});

scene("D1 an answer that is cut by its bytes is followed by the next", async (world) => {
  // A megabyte is as few as 350,000 characters.
  world.log.limit = 100;
  for (let i = 0; i < 250; i++) world.log.append("a", "漢".repeat(3500));
  const client = world.client();
  const other = listen(client, "a");
  await world.until(() => client.state === "open");
  const heard = listen(client, "a", "earliest");
  await world.until(() => heard.data.length === 250);
  assert.deepEqual(heard.items.map((item) => item.type), Array(250).fill("message"));
  assert.deepEqual(other.data, []);
});

scene("D7 a place that retention or a restart has taken: the gap first, then what there is", async (world) => {
  for (let i = 0; i < 9; i++) world.log.append("a");
  world.log.trim("a", 7);
  const heard = listen(world.client(), "a", world.log.cursor(2));
  const foreign = listen(world.client(), "a", "zzzzzzzz-5");
  const ahead = listen(world.client(), "a", world.log.cursor(99));
  await world.of(ahead.subscription.ready);
  await world.of(heard.subscription.ready);
  await world.of(foreign.subscription.ready);
  const short = ({ items }: typeof heard) => items.map((item) => (item.type === "message" ? item.seq : `${item.reason} to ${item.to.slice(9)}`));
  assert.deepEqual([short(heard), short(foreign), short(ahead)], [["trimmed to 7", 8, 9], ["epoch to 7", 8, 9], ["future to 9"]]);
});

scene("the refusal of one channel does not hurt the others", async (world) => {
  const client = world.client();
  const errors: string[] = [];
  client.on("error", ({ message }) => void errors.push(message));
  world.ways.poll = ({ channels }) => (channels.includes("secret") ? refuse(403, "give-up") : "live");
  const [good, secret, fine] = ["good", "secret", "fine"].map((channel) => listen(client, channel));
  const error = await world.of(secret.subscription.ready.catch((error) => error));
  assert.deepEqual([error.message, error.problem.status, errors], ["refused with 403", 403, ["refused with 403"]]);
  await world.until(() => client.state === "open");
  world.log.append(["good", "fine", "secret"]);
  await world.until(() => good.data.length && fine.data.length);
  assert.deepEqual([secret.data, world.to("ws").at(-1)!.channels.sort()], [[], ["fine", "good"]]);
  // That subscription is over; to end it is no fault.
  secret.subscription.unsubscribe();
});

scene("a gateway that is away is asked again, with growing waits, and at once when the network is back", async (world) => {
  world.ways.poll = world.ways.longpoll = "refuse";
  const client = world.client();
  const heard = listen(client, "a");
  await world.pass(200_000);
  const tries = world.asked.length;
  assert.ok(tries > 8 && tries < 40, `${tries}`);
  delete world.ways.poll;
  delete world.ways.longpoll;
  Page.now().tell("online");
  await world.pass(100);
  assert.ok(client.state === "open" && heard.subscription.cursor);
});

for (const [name, answer] of [["retry_after", refuse(503, "come-back-later", 20)], ["Retry-After", json({}, 429, { "retry-after": "20" })]] as const)
  scene(`asks again after ${name}`, async (world) => {
    world.ways.poll = () => (world.to("poll").length === 1 ? answer.clone() : "live");
    const { subscription } = listen(world.client(), "a");
    await world.of(subscription.ready);
    const [first, second] = world.asked;
    assert.ok(second.at - first.at >= 20_000 && second.at - first.at < 26_000, `${second.at - first.at}`);
  });

scene("where polls do not get through, another transport asks", async (world) => {
  for (const way of ["mute", "refuse"] as const) {
    world.asked.length = 0;
    world.ways.poll = way;
    const { subscription } = listen(world.client(), "a");
    await world.of(subscription.ready);
    assert.deepEqual(world.asked.slice(0, 2).map(({ route }) => route), ["poll", "longpoll"]);
    assert.ok(world.asked[1].at - world.asked[0].at < 7000);
  }
});

scene("a route that is not there is not asked again before the others were", async (world) => {
  world.ways.poll = () => refuse(404, "give-up");
  const { subscription } = listen(world.client(), "a");
  await world.of(subscription.ready);
  assert.deepEqual(world.asked.slice(0, 2).map(({ route }) => route), ["poll", "longpoll"]);
});

scene("an answer that is no JSON is no answer", async (world) => {
  world.ways.poll = () => (world.to("poll").length < 3 ? new Response("<h1>Welcome to this Wi-Fi</h1>") : "live");
  const { subscription } = listen(world.client(), "a");
  assert.equal(await world.of(subscription.ready), world.log.cursor(0));
});

scene("the token goes with it, and is asked for again when it was refused", async (world) => {
  let now = 0;
  world.ways.poll = world.ways.longpoll = ({ token }) => (token === "token-2" ? "live" : refuse(401, "reauthenticate"));
  const { subscription } = listen(world.client({ token: async () => `token-${++now}` }), "a");
  await world.of(subscription.ready);
  assert.deepEqual(world.asked.slice(0, 2).map(({ token }) => token), ["token-1", "token-2"]);
});

scene("a token that cannot be had is told, and asked for again", async (world) => {
  let tries = 0;
  const client = world.client({ token: () => (++tries < 3 ? Promise.reject(new Error("log in first")) : "token") });
  const errors: string[] = [];
  client.on("error", ({ message }) => void errors.push(message));
  const { subscription } = listen(client, "a");
  await world.of(subscription.ready);
  assert.ok(errors.length >= 1 && errors.every((message) => message.includes("log in first")), `${errors}`);
});

scene("who leaves before the past is there gets nothing", async (world) => {
  world.log.append("a");
  const client = world.client();
  const heard = listen(client, "a", "earliest");
  heard.subscription.unsubscribe();
  await world.pass(10_000);
  assert.deepEqual([heard.data, client.state], [[], "idle"]);
});

scene("paths are relative to the gateway's address, and can be moved", async (world) => {
  const client = world.client({ paths: { poll: "realtime/ask", ws: "/socket" } });
  world.ways.ws = () => "live";
  listen(client, "a b&c");
  await world.pass(50);
  const [ask, socket] = world.asked.map(({ url }) => url);
  assert.deepEqual([ask.pathname, socket?.pathname ?? "/socket"], ["/realtime/ask", "/socket"]);
  assert.deepEqual(ask.searchParams.getAll("channel"), ["a b&c"]);
});
