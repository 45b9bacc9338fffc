import { Page } from "./page.js";

type Later = (page: Page, call: () => void) => void;

/** The stand-in for BroadcastChannel: each other one of the same name hears. */
export const channels = (later: Later) => {
  const all = new Set<Fake>();
  class Fake {
    onmessage: ((heard: { data: unknown }) => void) | null = null;
    readonly page = Page.now();
    #gone = false;
    constructor(readonly name: string) {
      all.add(this);
      this.page.lost.add(() => void (this.#gone = all.delete(this)));
    }
    postMessage(data: unknown): void {
      if (this.#gone) return;
      if (!all.has(this)) throw new Error("closed");
      const copy = JSON.stringify(data);
      for (const other of all)
        if (other !== this && other.name === this.name) later(other.page, () => all.has(other) && other.onmessage?.({ data: JSON.parse(copy) }));
    }
    close(): void {
      all.delete(this);
    }
  }
  return Fake as unknown as typeof BroadcastChannel;
};

interface Claim {
  page: Page;
  grant(): void;
  refuse(): void;
}

/** The stand-in for `navigator.locks`. */
export const locks = (later: Later) => {
  const holders = new Map<string, Claim>();
  const queues = new Map<string, Claim[]>();

  const next = (name: string) => {
    if (holders.has(name)) return;
    const claim = queues.get(name)?.shift();
    if (!claim) return;
    holders.set(name, claim);
    claim.grant();
  };

  const request = (name: string, options: LockOptions, granted: (lock: object | null) => unknown) =>
    new Promise((resolve, reject) => {
      const page = Page.now();
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      const over = () => {
        if (holders.get(name) === claim) holders.delete(name);
        if (queue.includes(claim)) queue.splice(queue.indexOf(claim), 1);
        next(name);
      };
      const claim: Claim = {
        page,
        grant: () =>
          later(page, async () => {
            await granted({ name });
            over();
            resolve(undefined);
          }),
        refuse: () => later(page, () => reject(new DOMException("taken away", "AbortError"))),
      };
      page.lost.add(over);
      options.signal?.addEventListener("abort", () => {
        if (!queue.includes(claim)) return;
        over();
        claim.refuse();
      });
      if (options.steal) {
        holders.get(name)?.refuse();
        holders.set(name, claim);
        claim.grant();
      } else if (options.ifAvailable && (holders.has(name) || queue.length)) {
        later(page, async () => resolve(await granted(null)));
      } else {
        queue.push(claim);
        next(name);
      }
    });
  return { request, holder: (name: string) => holders.get(name)?.page };
};
