/** What an application writes, and what it must not be able to write. It is checked, not run. */
import { Encke, EnckeError, type Gap, type Message, type Options, type Problem, type Receipt, type State, type StateChange, type Subscription, type TransportName } from "../src/index.js";

interface Quote {
  symbol: string;
  price: number;
}

export const use = async () => {
  const encke = new Encke("https://gateway.example", { transports: ["ws", "sse", "longpoll", "poll"], token: async () => "token" });
  new Encke();
  new Encke(new URL("https://gateway.example/live/"));

  const subscription: Subscription = encke.subscribe<Quote>(
    "quotes.*",
    (quote, message) => {
      const price: number = quote.price;
      const whole: Message<Quote> = message;
      const also: Record<string, number> | undefined = message.also;
      // @ts-expect-error a quote has no such field
      quote.cost;
      return [price, whole, also];
    },
    { since: "-20", gap: (gap: Gap) => gap.reason === "trimmed" },
  );
  const place: string = await subscription.ready;
  const at: string | null = subscription.cursor;
  subscription.unsubscribe();

  const { cursor, seq, repeated }: Receipt = await encke.publish("quotes.encke", { symbol: "ENCKE", price: 3.3 }, { name: "tick", key: "k" });
  await encke.publish("bytes", new Uint8Array(3));
  encke.publish("a", 1).catch((error: EnckeError) => {
    const problem: Problem = error.problem;
    const remedy: "retry" | "reauthenticate" | "give-up" | "come-back-later" | undefined = problem.remedy;
    return remedy;
  });

  const stop: () => void = encke.on("state", ({ state, transport, retryIn }: StateChange) => {
    const known: State = state;
    const name: TransportName | null = transport;
    const ms: number | undefined = retryIn;
    return [known, name, ms];
  });
  stop();
  encke.on("gap", (gap) => gap.from);
  encke.on("error", (error) => error.message);
  encke.use("poll", "jsonp");
  const options: Options = { share: false, paths: { ws: "socket", publish: "/in" }, pollInterval: 500, buffer: 10, heartbeat: 5000 };
  new Encke("/", options).close();
  return [place, at, cursor, seq, repeated, encke.state, encke.transport];
};

export const misuse = (encke: Encke) => {
  // @ts-expect-error no such transport
  encke.use("telegraph");
  // @ts-expect-error no such transport
  new Encke("/", { transports: ["websocket"] });
  // @ts-expect-error a handler is needed
  encke.subscribe("a");
  // @ts-expect-error a place is text
  encke.subscribe("a", () => {}, { since: 5 });
  // @ts-expect-error nothing of this kind is told
  encke.on("message", () => {});
  // @ts-expect-error a gap has no data
  encke.on("gap", (gap) => gap.data);
  // @ts-expect-error it can be read only
  encke.state = "open";
  // @ts-expect-error it can be read only
  encke.subscribe("a", () => {}).channel = "b";
  // @ts-expect-error a token is text
  new Encke("/", { token: () => 5 });
  // @ts-expect-error no such option
  new Encke("/", { reconnect: true });
  // @ts-expect-error no such route
  new Encke("/", { paths: { socket: "ws" } });
};
