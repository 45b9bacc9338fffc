// What the other tests rely on, in both browsers: what goes wrong in a page is noticed, and pages can be treated as
// people treat them.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { forEachBrowser, freeze, hide, travel } from './lib/browsers.mjs';
import { startProxy } from './lib/proxy.mjs';
import { until } from './lib/wait.mjs';

const LOG = `<!doctype html><title>page</title><script>
  var log = [];
  function fail() { throw new Error('thrown'); }
  function refuse() { Promise.reject(new Error('rejected')); }
  for (const [of, kind] of [[window, 'pageshow'], [document, 'visibilitychange'], [document, 'freeze'], [document, 'resume']])
    of.addEventListener(kind, ({ persisted = '' }) => log.push(kind + persisted + ' ' + document.visibilityState));
</script>`;
const STRICT = `<!doctype html><meta http-equiv="content-security-policy" content="script-src 'none'"><p onclick="x()">`;

let site;
const PAGES = { '/one': LOG, '/two': LOG, '/frame': '<iframe src="/strict"></iframe>', '/strict': STRICT };
before(async () => site = await startProxy(1, PAGES));
after(() => site?.stop());

forEachBrowser('errors, dialogs and violations are noticed', async ({ open, problems }) => {
  const page = await open(`${site.url}/one`);
  const noticed = async pattern => {
    await until(`${pattern} among ${problems}`, () => problems.some(problem => pattern.test(problem)));
    problems.length = 0;
  };
  await page.evaluate(() => void setTimeout(fail));
  await noticed(/^error: .*thrown/);
  await page.evaluate(() => refuse());
  await noticed(/^error: .*rejected/);
  await page.evaluate(() => void setTimeout(() => alert('called')));
  await noticed(/^dialog: called/);
  await open(`${site.url}/frame`);
  await noticed(/^violation: script-src-attr .*strict/);
});

forEachBrowser('tabs share a profile, or not', async ({ open }) => {
  const [page, tab, apart] = [
    await open(`${site.url}/one`), await open(`${site.url}/one`), await open(`${site.url}/one`, { apart: true }),
  ];
  await page.evaluate(() => {
    document.cookie = 'a=1';
    localStorage.a = 1;
  });
  const kept = () => [document.cookie, localStorage.a];
  assert.deepEqual(await tab.evaluate(kept), ['a=1', '1']);
  assert.deepEqual(await apart.evaluate(() => [document.cookie, localStorage.length]), ['', 0]);
});

forEachBrowser('pages are kept alive for those who come back', async ({ open }) => {
  const page = await open(`${site.url}/one`);
  let state = [];
  // A browser may drop any page; one that drops each of them keeps none.
  for (let tries = 0; tries < 5 && state[1] !== 'kept'; tries++) {
    await page.goto(`${site.url}/one`);
    await page.evaluate(() => window.mark = 'kept');
    await page.goto(`${site.url}/two`);
    await travel(page, -1);
    state = await page.evaluate(() => [location.pathname, window.mark, log.at(-1)]);
  }
  assert.deepEqual(state, ['/one', 'kept', 'pageshowtrue visible']);
  await travel(page, 1);
  assert.equal(await page.evaluate(() => location.pathname), '/two');
});

forEachBrowser('pages are hidden and shown', async ({ open }) => {
  const page = await open(`${site.url}/one`);
  const show = await hide(page);
  await show();
  assert.deepEqual((await page.evaluate(() => log)).slice(-2), ['visibilitychange hidden', 'visibilitychange visible']);
  await open(`${site.url}/two`);
  assert.ok(await page.evaluate(() => document.hidden), 'behind a tab');
});

forEachBrowser('a page is frozen', async ({ open }) => {
  const page = await open(`${site.url}/one`);
  const thaw = await freeze(page);
  await thaw();
  const kinds = (await page.evaluate(() => log)).map(line => line.split(' ')[0]);
  assert.deepEqual(kinds.slice(1), ['visibilitychange', 'freeze', 'resume', 'visibilitychange']);
}, { only: 'chromium' });

forEachBrowser('small and dark', async ({ open }) => {
  const page = await open(`${site.url}/one`, { viewport: { width: 390, height: 800 } });
  assert.deepEqual(await page.evaluate(() => [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]), [390, true]);
  const shot = Buffer.from(await page.screenshot());
  assert.deepEqual([shot.toString('latin1', 1, 4), shot.readUInt32BE(16)], ['PNG', 390]);
}, { dark: true });
