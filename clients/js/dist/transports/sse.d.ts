import { type Transport } from "../transport.js";
/**
 * Server-sent events, read by `fetch`: unlike `EventSource` it shows the first byte, so that a proxy which holds back the stream
 * is found out, and the refusal with its reason. It can send a token, too.
 */
export declare const sse: Transport;
