import assert from "node:assert/strict";
import type { EnckeError } from "../src/outbox.js";
import type { Wire } from "./socket.js";
import { listen, refuse, scene, type World } from "./world.js";

const wires = (world: World) => world.live("ws") as Wire[];

scene("where a channel is quiet, its place moves with the others", async (world) => {
  const client = world.client();
  listen(client, "a");
  const quiet = listen(client, "b");
  await world.until(() => client.state === "open");
  world.log.append("a");
  await world.until(() => quiet.subscription.cursor === world.log.cursor(), 12_000);
});

scene("what is subscribed to together goes together: one poll, one link", async (world) => {
  const client = world.client();
  listen(client, "a");
  listen(client, "b");
  listen(client, "a");
  await world.until(() => client.state === "open");
  assert.deepEqual(world.asked.map(({ route, channels }) => [route, channels]), [["poll", ["a", "b"]], ["ws", ["a", "b"]]]);
});

for (const transport of ["ws", "sse", "longpoll", "poll"] as const) {
  scene(`D6 D10 another channel is followed by a new link beside the old one: ${transport}`, async (world) => {
    const client = world.client({ transports: [transport] });
    const states: string[] = [];
    const a = listen(client, "a");
    await world.until(() => client.state === "open");
    client.on("state", ({ state }) => void states.push(state));
    const b = listen(client, "b");
    for (let i = 0; i < 30; i++) {
      world.log.append(["a", "b"]);
      world.log.append("a");
      world.log.append("b");
      await world.pass(10);
    }
    await world.until(() => b.data.at(-1) === world.log.head && a.data.at(-1) === world.log.head - 1);
    const from = +(await world.of(b.subscription.ready)).slice(9);
    assert.deepEqual([a.data, b.data], [world.log.seqs("a"), world.log.seqs("b", from)]);
    assert.deepEqual([states, world.live().length <= 1], [[], true]);
    const last = world.to(transport).at(-1)!;
    assert.deepEqual(last.channels, ["a", "b"]);
  });

  scene(`a channel that nobody follows any more is let go: ${transport}`, async (world) => {
    const client = world.client({ transports: [transport], pollInterval: 100 });
    const a = listen(client, "a");
    const b = listen(client, "b");
    await world.until(() => client.state === "open");
    b.subscription.unsubscribe();
    await world.pass(500);
    world.log.append("b");
    world.log.append("a");
    await world.until(() => a.data.length);
    assert.deepEqual([a.data, b.data], [[2], []]);
    if (transport === "ws") {
      assert.deepEqual(wires(world)[0].commands, [{ type: "unsubscribe", channels: ["b"] }]);
      assert.equal(world.to("ws").length, 1);
    } else {
      const last = world.to(transport).at(-1)!;
      assert.deepEqual(last.channels, ["a"]);
    }
  });
}

scene("D1 a pattern beside a name gets all in order, also what the name brought first", async (world) => {
  const client = world.client();
  const name = listen(client, "news.eu");
  await world.until(() => client.state === "open");
  // The answer to the poll is slow; the link is not.
  world.ways.poll = () => new Promise((done) => setTimeout(() => done("live"), 200));
  const pattern = listen(client, "news.*");
  for (let i = 0; i < 60; i++) {
    world.log.append(i % 2 ? "news.eu" : "news.fr");
    await world.pass(10);
  }
  await world.until(() => pattern.data.at(-1) === world.log.head);
  const from = +(await world.of(pattern.subscription.ready)).slice(9);
  assert.deepEqual([name.data, pattern.data], [world.log.seqs("news.eu"), world.log.seqs("news.*", from)]);
  assert.ok(from < 40, "they did overlap");
});

scene("D1 two who begin at different places in one channel both get all of it", async (world) => {
  for (let i = 0; i < 10; i++) world.log.append("a");
  const client = world.client();
  let polls = 0;
  // The first answer is made before the second one, and comes after it.
  world.ways.poll = async ({ channels, since }) => {
    if (polls++) return "live";
    const answer = new Response(JSON.stringify(world.log.read(channels, since)));
    world.log.append("a");
    await new Promise<void>((done) => setTimeout(done, 300));
    return answer;
  };
  const early = listen(client, "a", "-3");
  const late = listen(client, "a");
  await world.pass(1000);
  world.log.append("a");
  await world.until(() => early.data.at(-1) === 12 && late.data.at(-1) === 12);
  assert.deepEqual(early.items.map((item) => item.type === "message" && item.seq), [8, 9, 10, 11, 12]);
});

scene("subscribing and leaving at once, and once more, leaves nothing out", async (world) => {
  const client = world.client();
  const a = listen(client, "a");
  await world.until(() => client.state === "open");
  for (let i = 0; i < 12; i++) {
    const once = listen(client, "b");
    await world.pass(5 * i);
    once.subscription.unsubscribe();
  }
  const b = listen(client, "b");
  await world.of(b.subscription.ready);
  world.log.append("a");
  world.log.append("b");
  await world.until(() => b.data.length);
  assert.deepEqual([a.data, b.data], [[1], [2]]);
});

scene("a handler may leave while it is told", async (world) => {
  const client = world.client();
  const got: unknown[] = [];
  const one = client.subscribe("a", (data) => {
    got.push(data);
    one.unsubscribe();
  });
  const rest = listen(client, "a");
  await world.until(() => client.state === "open");
  world.log.append("a");
  world.log.append("a");
  await world.until(() => rest.data.length === 2);
  assert.deepEqual(got, [1]);
});

scene("nothing to follow: no link; something again: from its own place", async (world) => {
  const client = world.client();
  const first = listen(client, "a");
  await world.until(() => client.state === "open");
  world.log.append("a");
  await world.until(() => first.data.length);
  first.subscription.unsubscribe();
  assert.deepEqual([client.state, world.live().length], ["idle", 0]);
  world.log.append("a");
  const second = listen(client, "a", "-1");
  await world.until(() => client.state === "open");
  world.log.append("a");
  await world.until(() => second.data.length === 2);
  assert.deepEqual([first.data, second.data, world.to("ws").at(-1)!.since], [[1], [2, 3], world.log.cursor(2)]);
});

scene("leaving everything while a link is waited for is the end of it", async (world) => {
  const client = world.client();
  const heard = listen(client, "a");
  await world.until(() => client.state === "open");
  world.ways.ws = "mute";
  world.cut();
  await world.until(() => client.state === "waiting");
  heard.subscription.unsubscribe();
  const asked = world.asked.length;
  await world.pass(60_000);
  assert.deepEqual([client.state, world.asked.length], ["idle", asked]);
});

scene("a link that breaks while another opens: that one takes over, and no third", async (world) => {
  const client = world.client();
  const heard = listen(client, "a");
  await world.until(() => client.state === "open");
  await world.pass(6000);
  world.ways.ws = () => new Promise((done) => setTimeout(() => done("live"), 1000));
  listen(client, "b");
  await world.until(() => world.to("ws").length === 2);
  await world.pass(1000);
  world.cut();
  world.log.append("a");
  await world.until(() => client.state === "open");
  await world.pass(3000);
  assert.deepEqual([world.to("ws").length, world.live().length, heard.data], [2, 1, [1]]);
});

scene("a channel that comes while a better transport is tried in vain is followed all the same", async (world) => {
  world.ways.ws = "refuse";
  const client = world.client();
  listen(client, "a");
  await world.until(() => client.transport === "sse");
  world.ways.ws = "mute";
  const tried = world.to("ws").length;
  await world.until(() => world.to("ws").length > tried);
  const b = listen(client, "b");
  await world.of(b.subscription.ready);
  world.log.append("b");
  await world.until(() => b.data.length, 4000);
  assert.equal(client.transport, "sse");
});

scene("D7 a gateway that forgot everything: each subscription is told, once, and goes on", async (world) => {
  const client = world.client();
  const gaps: string[] = [];
  client.on("gap", ({ channel, reason }) => void gaps.push(`${reason} ${channel}`));
  const a = listen(client, "a");
  const b = listen(client, "b.*");
  for (let i = 0; i < 9; i++) world.log.append("a");
  await world.until(() => client.state === "open");
  world.log.append(["a", "b.x"]);
  await world.until(() => a.data.length && b.data.length);
  world.log.restart("bbbbbbbb");
  world.cut();
  world.log.append("b.x", "new");
  await world.until(() => b.data.at(-1) === "new");
  world.cut();
  await world.until(() => client.state === "open");
  world.log.append("a", "more");
  await world.until(() => a.data.at(-1) === "more");
  assert.deepEqual(gaps, ["epoch a", "epoch b.*"]);
  assert.deepEqual([a.data, b.data], [[10, "more"], [10, "new"]]);
  const kinds = (items: { type: string }[]) => items.map(({ type }) => type);
  assert.deepEqual([kinds(a.items), kinds(b.items)], [["message", "gap", "message"], ["message", "gap", "message"]]);
});

scene("what a link is refused on a command is not kept in silence", async (world) => {
  const client = world.client();
  const errors: string[] = [];
  client.on("error", ({ message }) => void errors.push(message));
  listen(client, "a");
  await world.until(() => client.state === "open");
  wires(world)[0].say!(JSON.stringify({ type: "error", problem: { remedy: "give-up", detail: "too many channels" } }));
  assert.deepEqual(errors, ["too many channels"]);
  await world.until(() => client.state === "open");
});

const token = (name: string, seconds: number) => `h.${btoa(JSON.stringify({ sub: name, exp: Date.now() / 1000 + seconds }))}.s`;

for (const transport of ["ws", "sse", "longpoll"] as const)
  scene(`a token is renewed before it ends, without loss: ${transport}`, async (world) => {
    const given: string[] = [];
    const client = world.client({ transports: [transport], token: () => (given.push(token("me", 120)), given.at(-1)!) });
    const states: string[] = [];
    const heard = listen(client, "a");
    await world.until(() => client.state === "open");
    client.on("state", ({ state }) => void states.push(state));
    const began = Date.now();
    for (let i = 0; i < 200; i++) {
      world.log.append("a");
      await world.pass(1000, 100);
    }
    assert.deepEqual([given.length, states], [3, []]);
    if (transport === "ws") {
      // On the link that there is.
      assert.equal(world.to("ws").length, 1);
      const renewals = wires(world)[0].commands.filter(({ type }) => type === "authenticate");
      assert.deepEqual(renewals, given.slice(1).map((token) => ({ type: "authenticate", token })));
    } else {
      // Beside it.
      const renewed = world.to(transport).find((asked) => asked.token === given[1])!;
      assert.ok(renewed.at - began > 85_000 && renewed.at - began < 95_000, "thirty seconds before");
    }
    assert.deepEqual(heard.data, world.log.seqs("a"));
  });

scene("a token that a live link does not take is brought by a new one, without loss", async (world) => {
  const given: string[] = [];
  const client = world.client({ token: () => (given.push(token("me", 60)), given.at(-1)!) });
  const heard = listen(client, "a");
  await world.until(() => client.state === "open");
  wires(world)[0].refuses = true;
  await world.until(() => world.to("ws").length === 2);
  world.log.append("a");
  await world.until(() => heard.data.length);
  assert.deepEqual([client.transport, world.to("ws")[1].token, heard.data], ["ws", given[2], [1]]);
});

for (const transport of ["ws", "sse"] as const)
  scene(`what may not be followed any longer is over, and the rest goes on: ${transport}`, async (world) => {
    const client = world.client({ transports: [transport] });
    const errors: Error[] = [];
    client.on("error", (error) => void errors.push(error));
    const [a, b] = [listen(client, "a"), listen(client, "b")];
    await world.until(() => client.state === "open");
    await world.pass(100);
    const change = (type: string, channel: string) => {
      const text = JSON.stringify({ type, channel, cursor: world.log.cursor() });
      world.live()[0].say!(transport === "ws" ? text : `event: ${type}\ndata: ${text}\n\n`);
    };
    change("unsubscribed", "a");
    change("subscribed", "c");
    change("surprised", "b");
    world.log.append(["a", "b"]);
    await world.until(() => b.data.length);
    assert.deepEqual([a.data, b.data, client.state], [[], [1], "open"]);
    assert.deepEqual(errors.map((error) => [error.message, (error as EnckeError).problem.remedy]), [["unsubscribed a", "give-up"]]);
    if (transport === "ws") assert.deepEqual([world.to("ws").length, wires(world)[0].commands], [1, []]);
    // It is not asked for again.
    world.cut();
    world.log.append("b");
    await world.until(() => b.data.length === 2);
    assert.deepEqual([world.to(transport).at(-1)!.channels, a.data], [["b"], []]);
  });

scene("a page calls itself the same, whatever it asks for", async (world) => {
  const client = world.client();
  listen(client, "a");
  await world.of(client.publish("a", 1));
  await world.until(() => client.state === "open");
  world.ways.ws = "refuse";
  world.cut();
  await world.until(() => client.transport === "sse");
  const names = world.asked.map(({ url }) => url.searchParams.getAll("client").join());
  assert.deepEqual([...new Set(world.asked.map(({ route }) => route))].sort(), ["poll", "publish", "sse", "ws"]);
  assert.equal(new Set(names).size, 1);
  assert.match(names[0], /^[!-~]{8,64}$/);
});

scene("a token that is refused is asked for again, without loss", async (world) => {
  let now = 1;
  const client = world.client({ transports: ["sse", "longpoll"], token: () => `token-${now}` });
  world.ways.sse = world.ways.longpoll = world.ways.poll = (asked) => (asked.token === `token-${now}` ? "live" : refuse(401, "reauthenticate"));
  const heard = listen(client, "a");
  await world.until(() => client.state === "open");
  now = 2;
  world.cut();
  world.log.append("a");
  await world.until(() => heard.data.length);
  assert.deepEqual([client.state, heard.data], ["open", [1]]);
  const b = listen(client, "b");
  await world.of(b.subscription.ready);
});

scene("a token that takes its time, or fails, is no fault of the transport", async (world) => {
  let asked = 0;
  const slow = () => new Promise<string>((done) => setTimeout(() => done(token("me", 60)), 4000));
  const client = world.client({ token: () => (++asked === 2 ? Promise.reject(new Error("offline")) : asked > 2 ? slow() : token("me", 60)) });
  const states: string[] = [];
  listen(client, "a");
  await world.until(() => client.state === "open");
  client.on("state", ({ state }) => void states.push(state));
  await world.pass(40_000);
  listen(client, "b");
  await world.pass(20_000);
  assert.deepEqual([client.transport, states, world.to("sse").length], ["ws", [], 0]);
  assert.ok(asked >= 3);
});
