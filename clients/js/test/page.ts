import { AsyncLocalStorage } from "node:async_hooks";

const pages = new AsyncLocalStorage<Page>();
let only: Page | undefined;

/** A tab: what a browser gives to a document of its own. All code that a page has started runs as this page. */
export class Page extends EventTarget {
  hidden = false;
  #life: "live" | "frozen" | "dead" = "live";
  #late: (() => void)[] = [];
  /** What the browser does when a tab is gone. */
  readonly lost = new Set<() => void>();

  /** The page whose code runs now. */
  static now(): Page {
    return pages.getStore() ?? (only ??= new Page());
  }

  static forget(): void {
    only = undefined;
  }

  /** Runs code of the page; a page that is frozen does it later, a dead one never. */
  do(call: () => void): void {
    if (this.#life === "live") pages.run(this, call);
    else if (this.#life === "frozen") this.#late.push(call);
  }

  open<T>(make: () => T): T {
    return pages.run(this, make);
  }

  tell(type: string): void {
    this.do(() => this.dispatchEvent(new Event(type)));
  }

  hide(hidden: boolean): void {
    this.hidden = hidden;
    this.tell("visibilitychange");
  }

  /** Stops without a word, as a debugger or an old browser does it. */
  freeze(): void {
    this.#life = "frozen";
  }

  thaw(): void {
    this.#life = "live";
    for (const call of this.#late.splice(0)) this.do(call);
  }

  /** The process of the tab ends. */
  kill(): void {
    this.#life = "dead";
    for (const call of this.lost) call();
  }
}
