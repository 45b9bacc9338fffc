import type { Transport } from "../transport.js";
/**
 * WebSocket. The token goes as a subprotocol, because a page can send no header with it, and addresses are logged.
 *
 * A proxy that cuts what is idle shows by two cuts how long it waits; from then on a link speaks before that.
 */
export declare const ws: Transport;
