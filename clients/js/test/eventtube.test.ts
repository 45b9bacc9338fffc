import assert from "node:assert/strict";
import { Encke } from "../src/encke.js";
import { EventTube, type TubeOptions } from "../src/eventtube.mjs";
import { refuse, scene } from "./world.js";

const tubes: Encke[] = [];

/** The client that the tube makes, so that a test can close it. */
class Client extends Encke {
  constructor(...values: ConstructorParameters<typeof Encke>) {
    super(...values);
    tubes.push(this);
  }
}

const tube = (options: Partial<TubeOptions> = {}) => new EventTube({ connection: { host: "gateway" }, share: false, ...options }, Client);

const play: typeof scene = (name, act) =>
  scene(name, async (world) => {
    try {
      await act(world);
    } finally {
      for (const client of tubes.splice(0)) client.close();
    }
  });

play("connects to the host and port, once", async (world) => {
  const one = tube({ connection: { host: "gateway", port: "9000" } });
  assert.equal(world.asked.length, 0);
  assert.deepEqual([one.connect(), one.connect()], [true, false]);
  await world.pass(100);
  const { protocol, host } = world.asked[0].url;
  assert.deepEqual([protocol, host, tubes.length], ["http:", "gateway:9000", 1]);
});

play("handlers get the event and its data, and subscribing gives an id", async (world) => {
  const one = tube();
  const heard: unknown[] = [];
  const first = await world.of(one.sub("news", (message) => heard.push(["first", message])));
  const second = await world.of(one.sub("news", (message) => heard.push(["second", message])));
  assert.ok(first && second && first !== second);
  await world.of(one.pub("news", "hello"));
  await world.until(() => heard.length === 2);
  const message = { event: "news", data: "hello" };
  assert.deepEqual(heard, [["first", message], ["second", message]]);
  assert.equal(world.to("ws").filter(({ channels }) => channels.includes("news")).length, 1, "they share a channel");
});

play("D6 what is published after the promise of an id is heard", async (world) => {
  const one = tube();
  const heard: unknown[] = [];
  await world.of(one.sub("news", ({ data }) => heard.push(data)));
  world.log.append("news", "at once");
  await world.until(() => heard.length);
  assert.deepEqual(heard, ["at once"]);
});

play("unsub takes one handler away by its id, or all of an event", async (world) => {
  const one = tube();
  const heard: string[] = [];
  const first = await world.of(one.sub("news", () => heard.push("first")));
  await world.of(one.sub("news", () => heard.push("second")));
  await world.of(one.sub("other", () => heard.push("other")));
  await one.unsub("news", first);
  await world.of(one.pub("news", 1));
  await world.until(() => heard.length);
  await one.unSub("news");
  await world.of(one.pub("news", 2));
  await world.of(one.pub("other", 3));
  await world.until(() => heard.includes("other"));
  assert.deepEqual(heard, ["second", "other"]);
  await assert.rejects(one.unsub("news"), /nothing hears news/);
  await assert.rejects(one.unsub("other", 99), /nothing hears other as 99/);
  await world.of(one.sub("news", () => heard.push("again")));
  await world.of(one.pub("news", 4));
  await world.until(() => heard.length === 3);
  assert.equal(heard[2], "again");
});

play("a broadcast reaches all who are connected, by its name", async (world) => {
  const [one, other] = [tube(), tube()];
  const heard: unknown[] = [];
  other.connect();
  await world.of(other.sub("tea", (message) => heard.push(message)));
  await world.of(other.sub("broadcast", (message) => heard.push(message)));
  await world.of(other.sub("coffee", () => assert.fail("not its name")));
  await world.of(one.broadcast("is ready", "tea"));
  await world.of(one.broadcast("to all"));
  await world.until(() => heard.length === 3);
  const named = { type: "broadcast", event: "tea", data: "is ready" };
  assert.deepEqual(heard, [named, named, { type: "broadcast", event: "", data: "to all" }]);
  assert.equal(world.thrown.length, 0);
});

play("there are no more handlers than subLimit", async (world) => {
  const one = tube({ subLimit: 2 });
  const [first] = [await world.of(one.sub("a", () => {})), await world.of(one.sub("b", () => {}))];
  await assert.rejects(one.sub("c", () => {}), /2/);
  await one.unsub("a", first);
  await world.of(one.sub("c", () => {}));
});

play("what the gateway refuses rejects, and takes no place", async (world) => {
  const one = tube({ subLimit: 1 });
  world.ways.poll = ({ channels }) => (channels.includes("secret") ? refuse(403, "give-up") : "live");
  await world.of(assert.rejects(one.sub("secret", () => {}), /403/));
  delete world.ways.poll;
  await world.of(one.sub("secret", () => {}));
  world.ways.publish = () => refuse(403, "give-up");
  await world.of(assert.rejects(one.pub("news", 1), /403/));
});

play("the transports degrade under it as under every client", async (world) => {
  world.ways.ws = world.ways.sse = "refuse";
  const one = tube();
  const heard: unknown[] = [];
  await world.of(one.sub("news", ({ data }) => heard.push(data)));
  await world.of(one.pub("news", 1));
  await world.until(() => heard.length);
  world.cut();
  await world.of(one.pub("news", 2));
  await world.until(() => heard.length === 2);
  assert.deepEqual(heard, [1, 2]);
});
