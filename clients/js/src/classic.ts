/** The classic script: two names for pages without modules. */
import { Encke } from "./encke.js";
import { EventTube } from "./eventtube.js";

Object.assign(globalThis, { Encke, EventTube });
