import { type Transport } from "../transport.js";
export declare const poll: Transport;
export declare const longpoll: Transport;
