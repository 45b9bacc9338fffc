/** The classic script: two names for pages without modules. */
import { Encke, far } from "./encke.js";
import type { TubeOptions } from "./eventtube.mjs";

const script = document.currentScript as HTMLScriptElement;

/** Where it came from is not known to the imports of a script of another origin. */
const load = (file: string) => import(new URL(file, script.src).href);

far.load = () => load("legacy.mjs");

/** Loads the interface of EventTube, and calls its methods in the order in which they are called here. */
class EventTube {
  [method: string]: (...values: unknown[]) => Promise<unknown>;

  constructor(options: TubeOptions) {
    const tube: Promise<any> = load("eventtube.mjs").then((module) => new module.EventTube(options, Encke));
    for (const method of ["connect", "sub", "pub", "unsub", "unSub", "broadcast"])
      this[method] = (...values) => tube.then((tube) => tube[method](...values));
  }
}

Object.assign(globalThis, { Encke, EventTube });
