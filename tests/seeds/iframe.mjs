// A browser's part of an <iframe>: runs the scripts of the document as they come, those that its policy allows, and
// lets the document navigate, which ends it. The connection is cut once, in the middle.
import vm from 'node:vm';
import { base, fetch } from './browser.mjs';

let messages = 0;
let shown;

function handle(message) {
    console.log(message.message);
    messages += 1;
}

async function load(url) {
    const cut = new AbortController();
    shown?.abort();
    shown = cut;
    const { pathname, search } = new URL(url, base);
    const scripts = [];
    const window = {
        parent: { handle },
        location: { pathname, search, replace: load },
        document: { getElementsByTagName: () => scripts },
        setTimeout: (run, ms) => setTimeout(() => shown === cut && run(), ms),
        clearTimeout,
    };
    window.window = window;
    vm.createContext(window);
    try {
        const response = await fetch(url, { signal: cut.signal });
        const [, nonce] = /'nonce-(\w+)'/.exec(response.headers.get('content-security-policy'));
        const element = new RegExp(`<script nonce="${nonce}">([^]*?)</script>`);
        let text = '';
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
            text += chunk;
            for (let found; (found = element.exec(text)); text = text.slice(found.index + found[0].length)) {
                if (shown !== cut) return;
                const script = { parentNode: { removeChild: one => scripts.splice(scripts.indexOf(one), 1) } };
                scripts.push(script);
                vm.runInContext(found[1], window);
                if (found[1].startsWith('m(') && scripts.includes(script)) throw new Error('a push stays');
                if (messages === 50) { messages += 1; cut.abort(); }
            }
        }
    } catch (error) {
        if (!cut.signal.aborted) throw error;
    }
    if (shown === cut) window.onload();
}

load('/messages/?cid=123');
