// What a browser and jQuery have and Node has not. Each script gets the gateway's URL.
import { setTimeout as real } from 'node:timers';

export const base = process.argv[2];
const jar = new Map();
let underway = 0;

// A clock that runs a hundred times as fast; a tick of an interval waits for the answer to the last one.
export const setTimeout = (run, ms) => real(run, ms / 100);
export const setInterval = (run, ms) => setTimeout(() => {
    if (underway === 0) run();
    setInterval(run, ms);
}, ms);

// With cookies.
export async function fetch(path, options = {}) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await globalThis.fetch(new URL(path, base), { ...options, headers: cookie ? { cookie } : {} });
    for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        jar.set(name, value);
    }
    return response;
}

// As jQuery 1.9 does it: 2xx is a success, without data if it is 204; JSON that cannot be read is an error.
async function ajax({ type, url, data }) {
    const query = new URLSearchParams(Object.entries(data).map(([name, value]) => [name, value ?? '']));
    const response = await fetch(`${url}?${query}`, { method: type });
    if (!response.ok) throw new Error(response.statusText);
    if (response.status === 204) return undefined;
    return /json/.test(response.headers.get('content-type')) ? response.json() : response.text();
}

export const $ = {
    ajax(options) {
        underway += 1;
        const answer = ajax(options).finally(() => underway -= 1);
        const request = {
            success(run) { answer.then(run, () => {}); return request; },
            error(run) { answer.catch(run); return request; },
        };
        return request;
    },
};
