import { get, refusal, type Item, type Transport } from "../transport.js";

/**
 * Server-sent events, read by `fetch`: unlike `EventSource` it shows the first byte, so that a proxy which holds back the stream
 * is found out, and the refusal with its reason. It can send a token, too.
 */
export const sse: Transport = (ask, tell) => {
  const stop = new AbortController();

  const read = async () => {
    const answer = await get(ask.url("sse"), ask.token, stop.signal);
    if (!answer.ok) return refusal(answer);
    const chunks = answer.body!.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let id: string | undefined;
    let data = "";
    let after = 0;
    for (;;) {
      const { done, value } = await chunks.read();
      if (done) return { after };
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      const items: Item[] = [];
      let place: string | undefined;
      for (const line of lines) {
        if (line.startsWith("data: ")) data = line.slice(6);
        else if (line.startsWith("id: ")) id = line.slice(4);
        // The first is for breaks, which the client waits for by itself; one before the end is a hint.
        else if (id && line.startsWith("retry: ")) after = +line.slice(7);
        else if (!line) {
          // Only here the place is reached.
          place = id;
          if (data) items.push(JSON.parse(data));
          data = "";
        }
      }
      if (stop.signal.aborted) return {};
      tell.take(items);
      tell.alive(place);
    }
  };

  read().catch(() => ({ failed: true })).then(tell.end);
  return { close: () => stop.abort() };
};
