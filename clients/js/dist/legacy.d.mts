/** Transports for where `fetch` and WebSocket are not let through. Loaded on demand. */
import { type Transport } from "./transport.js";
/** The forever-iframe. It comes back by itself where its document ends. */
export declare const iframe: Transport;
/** Polls by script elements, which no origin rule stops; the route of polls has to allow it. */
export declare const jsonp: Transport;
