import assert from "node:assert/strict";
import type { Encke } from "../src/encke.js";
import type { Options } from "../src/types.js";
import { Page } from "./page.js";
import type { Wire } from "./socket.js";
import { listen, scene, type World } from "./world.js";

interface Tab {
  page: Page;
  client: Encke;
  heard: ReturnType<typeof listen>;
}

const tab = (world: World, channel = "a", options: Options = {}, since?: string): Tab => {
  const page = new Page();
  const client = world.client({ share: true, ...options }, page);
  return { page, client, heard: page.open(() => listen(client, channel, since)) };
};

/** Tabs of which the first leads, all with their links. */
const open = async (world: World, count: number, channel = "a"): Promise<Tab[]> => {
  const all: Tab[] = [];
  for (let i = 0; i < count; i++) {
    all.push(tab(world, channel));
    await world.until(() => all[i].client.state === "open");
    await world.pass(50);
  }
  return all;
};

const sockets = (world: World) => world.live("ws") as Wire[];

/** Publishes, and sees that all of them get it. */
const reaches = async (world: World, tabs: Tab[], channel = "a") => {
  world.log.append(channel);
  await world.until(() => tabs.every(({ heard }) => heard.data.at(-1) === world.log.head), 20_000);
};

scene("tabs share the connection of one of them", async (world) => {
  const tabs = await open(world, 4);
  assert.deepEqual([world.to("ws").length, world.live().length], [1, 1]);
  for (let i = 0; i < 5; i++) await reaches(world, tabs);
  for (const { client, heard } of tabs) assert.deepEqual([client.transport, heard.data], ["ws", [1, 2, 3, 4, 5]]);
});

scene("a tab that follows says what carries in the one that leads", async (world) => {
  world.ways.ws = "refuse";
  const [first, second] = await open(world, 2);
  assert.deepEqual([first.client.transport, second.client.transport], ["sse", "sse"]);
  delete world.ways.ws;
  await world.until(() => first.client.transport === "ws");
  await reaches(world, [first, second]);
  assert.equal(second.client.transport, "ws");
});

scene("without what sharing takes, and where it is not wanted, each tab has its own", async (world) => {
  const alone = [tab(world, "a", { share: false }), tab(world, "a", { share: false })];
  await world.until(() => sockets(world).length === 2);
  Object.defineProperty(globalThis, "BroadcastChannel", { value: undefined, configurable: true });
  const old = [tab(world), tab(world)];
  await world.until(() => sockets(world).length === 4);
  await reaches(world, [...alone, ...old]);
});

scene("tabs of different subjects do not share, and those of one do, whatever its tokens", async (world) => {
  let count = 0;
  const token = (sub: string) => () => `h.${btoa(JSON.stringify({ sub, jti: ++count }))}.s`;
  const tabs = [tab(world, "a", { token: token("ann") }), tab(world, "a", { token: token("bob") }), tab(world, "a", { token: token("ann") }), tab(world)];
  await world.until(() => tabs.every(({ client }) => client.state === "open"));
  await reaches(world, tabs);
  assert.equal(sockets(world).length, 3);
});

scene("the tab that leads goes away: another leads, and none loses anything", async (world) => {
  const tabs = await open(world, 3);
  await reaches(world, tabs);
  tabs[0].page.tell("pagehide");
  assert.equal(world.live().length, 0);
  world.log.append("a");
  await reaches(world, tabs.slice(1));
  assert.deepEqual([sockets(world).length, tabs[1].heard.data, tabs[2].heard.data], [1, [1, 2, 3], [1, 2, 3]]);
  // It comes back, and follows.
  tabs[0].page.tell("pageshow");
  await reaches(world, tabs);
  assert.deepEqual([sockets(world).length, tabs[0].heard.data], [1, [1, 2, 3, 4]]);
});

scene("the tab that leads is closed: another leads", async (world) => {
  const tabs = await open(world, 3);
  tabs[0].client.close();
  world.log.append("a");
  await reaches(world, tabs.slice(1));
  assert.deepEqual([sockets(world).length, tabs[0].heard.data, tabs[1].heard.data], [1, [], [1, 2]]);
});

scene("the tab that leads dies: another leads, and none loses anything", async (world) => {
  const tabs = await open(world, 3);
  await reaches(world, tabs);
  world.log.append("a");
  tabs[0].page.kill();
  world.log.append("a");
  await reaches(world, tabs.slice(1));
  for (const { heard } of tabs.slice(1)) assert.deepEqual(heard.data, [1, 2, 3, 4]);
});

scene("the tab that leads stands still: the lead is taken from it, and it follows when it wakes", async (world) => {
  const tabs = await open(world, 3);
  tabs[0].page.freeze();
  const frozen = sockets(world)[0];
  world.log.append("a");
  await world.until(() => tabs.slice(1).every(({ heard }) => heard.data.length), 60_000);
  assert.equal(world.locks.holder("encke http://gateway/ ") === tabs[0].page, false);
  world.log.append("a");
  tabs[0].page.thaw();
  await reaches(world, tabs);
  await world.pass(5000);
  for (const { heard } of tabs) assert.deepEqual(heard.data, [1, 2, 3]);
  assert.deepEqual([sockets(world).length, sockets(world).includes(frozen)], [1, false], "its own connection is let go");
  const leaders = tabs.filter(({ page }) => page === world.locks.holder("encke http://gateway/ "));
  assert.equal(leaders.length, 1);
});

scene("the channels of a tab that follows are followed by the one that leads", async (world) => {
  const [first, second] = await open(world, 2);
  const b = second.page.open(() => listen(second.client, "b"));
  for (let i = 0; i < 40; i++) {
    world.log.append(i % 2 ? "b" : ["a", "b"]);
    await world.pass(10);
  }
  await world.until(() => b.data.at(-1) === world.log.head);
  const from = +(await b.subscription.ready).slice(9);
  assert.deepEqual(b.data, world.log.seqs("b", from));
  assert.deepEqual([first.heard.data, second.heard.data], [world.log.seqs("a"), world.log.seqs("a")]);
  assert.deepEqual(sockets(world).map(({ asked }) => asked.channels.sort()), [["a", "b"]]);
});

scene("what a tab no longer follows, or followed until it went away, is let go", async (world) => {
  const [first, second] = await open(world, 2);
  const b = second.page.open(() => listen(second.client, "b"));
  await world.until(() => sockets(world)[0].asked.channels.includes("b"));
  await world.pass(100);
  const dropped = () => sockets(world)[0].commands.filter(({ type }) => type === "unsubscribe").map(({ channels }) => channels);
  b.subscription.unsubscribe();
  await world.until(() => dropped().length === 1);
  second.page.open(() => listen(second.client, "c"));
  await world.until(() => sockets(world)[0].asked.channels.includes("c"));
  await world.pass(100);
  second.page.tell("pagehide");
  await world.until(() => dropped().length === 1);
  assert.deepEqual(dropped(), [["c"]]);
  await reaches(world, [first]);
});

scene("a tab that dies without a word is served until its lease ends", async (world) => {
  const [first] = await open(world, 1);
  const second = tab(world, "b");
  await world.until(() => second.client.state === "open");
  await world.until(() => sockets(world)[0].asked.channels.includes("b"));
  second.page.kill();
  await world.pass(150_000);
  const dropped = () => sockets(world)[0].commands.filter(({ type }) => type === "unsubscribe");
  assert.equal(dropped().length, 0);
  await world.pass(60_000);
  assert.deepEqual(dropped(), [{ type: "unsubscribe", channels: ["b"] }]);
  await reaches(world, [first]);
});

scene("a tab that lives keeps its lease, however quiet", async (world) => {
  const [first] = await open(world, 1);
  const second = tab(world, "b");
  await world.until(() => second.client.state === "open");
  await world.pass(600_000, 250);
  assert.equal(sockets(world)[0].commands.filter(({ type }) => type === "unsubscribe").length, 0);
  assert.equal(world.to("ws").length <= 2, true);
  await reaches(world, [second], "b");
  await reaches(world, [first]);
});

scene("D7 a gap that the tab that leads is told is told to those that follow, for each channel", async (world) => {
  const first = tab(world, "x");
  await world.until(() => first.client.state === "open");
  const second = tab(world, "a");
  const b = second.page.open(() => listen(second.client, "b"));
  await world.until(() => second.client.state === "open" && sockets(world)[0]?.asked.channels.length === 3);
  await world.pass(100);
  world.log.append(["a", "b", "x"]);
  await world.until(() => b.data.length);
  world.log.restart("bbbbbbbb");
  world.cut();
  world.log.append("a");
  await world.until(() => second.heard.data.length === 2);
  await world.pass(10_000);
  const kinds = (items: { type: string; reason?: string }[]) => items.map(({ type, reason }) => reason ?? type);
  assert.deepEqual(kinds(second.heard.items), ["message", "epoch", "message"]);
  assert.deepEqual(kinds(b.items), ["message", "epoch"]);
});

scene("what the tab that leads may not follow any longer is over in those that follow, and the rest goes on", async (world) => {
  const [first, second] = await open(world, 2);
  const errors: string[] = [];
  second.client.on("error", (error) => void errors.push(error.message));
  const b = second.page.open(() => listen(second.client, "b"));
  await world.until(() => sockets(world)[0].asked.channels.includes("b"));
  await world.pass(100);
  sockets(world)[0].say!(JSON.stringify({ type: "unsubscribed", channel: "b" }));
  await world.until(() => errors.length);
  assert.deepEqual(errors, ["unsubscribed b"]);
  world.log.append(["a", "b"]);
  await world.until(() => [first, second].every(({ heard }) => heard.data.length));
  await reaches(world, [first, second]);
  assert.deepEqual([b.data, first.heard.data, second.heard.data], [[], [1, 2], [1, 2]]);
  world.cut();
  await reaches(world, [first, second]);
  assert.deepEqual([sockets(world)[0].asked.channels, b.data], [["a"], []]);
});

scene("away and back in one breath: still one leads, and all get everything", async (world) => {
  const tabs = await open(world, 2);
  for (const { page } of tabs) {
    page.tell("pagehide");
    page.tell("pageshow");
    page.tell("pagehide");
    page.tell("pageshow");
  }
  await world.pass(3000);
  await reaches(world, tabs);
  await world.pass(60_000);
  await reaches(world, tabs);
  assert.deepEqual([sockets(world).length, tabs[0].heard.data, tabs[1].heard.data], [1, [1, 2], [1, 2]]);
});

scene("each tab publishes for itself", async (world) => {
  const tabs = await open(world, 2);
  await world.of(tabs[1].page.open(() => tabs[1].client.publish("a", "hello")));
  await world.until(() => tabs.every(({ heard }) => heard.data.length));
  assert.deepEqual(tabs.map(({ heard }) => heard.data), [["hello"], ["hello"]]);
});
