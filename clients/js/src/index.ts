export { Encke } from "./encke.js";
export { EnckeError } from "./outbox.js";
export type * from "./types.js";
