import { forEachBrowser } from './lib/browsers.mjs';
import { startGateway } from './lib/gateway.mjs';
import { follow, startSite } from './lib/sdk.mjs';
const go = (name, config, fault, options, far) => forEachBrowser(name, async ({ open }, t) => {
  const gateway = await startGateway(config);
  const site = await startSite(gateway.port), elsewhere = await startSite(1);
  if (fault) site.fault('/poll', fault);
  await gateway.publish('x', 1);
  const c = await follow(open, far ? elsewhere : site, 'x', { since: 'earliest', ...options, ...(far && { url: site.url }) });
  await c.until('one', ({ got }) => got.length, 12000).then(s => t.diagnostic('ok'), e => t.diagnostic(e.message.slice(0, 300)));
  site.stop(); elsewhere.stop(); await gateway.stop();
}, { only: 'chromium' });
go('jsonp far, no origins', '[[route]]\npath="/poll"\nkind="poll"\njsonp=true\n', null, { transports: ['jsonp'] }, true);
go('poll refused', '', { status: 502 }, {}, false);
go('poll a hole', '', { hole: true }, {}, false);
