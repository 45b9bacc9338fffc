// The example applications, each as a process of its own on a free port of loopback.
import { Program } from './gateway.mjs';

/** `chat` or `quotes`; `publishBatch` is for the one where everybody may. */
export const startExample = (name, ...args) => new Program(name, ['--port', '0', ...args]).listens();
