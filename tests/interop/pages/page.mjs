// A page of a company's own web application in Chromium, with a STOMP library as it is found there.
//
//   node page.mjs LIBRARY WS_URL LOGIN PASSCODE SUBSCRIBE PUBLISH MESSAGE
//
// LIBRARY is `stompjs-7` (@stomp/stompjs) or `stomp.js-2` (stompjs). The page has the origin of the
// server. It signs in, subscribes to one destination and then publishes a message to another. What
// happens is printed as JSON lines: `{"event":"subscribed"}`, `{"event":"received","body":…}`,
// `{"event":"error","text":…}`. It stays until it is killed.

import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [library, url, login, passcode, subscribe, publish, message] = process.argv.slice(2);
const packages = join(import.meta.dirname, 'node_modules');

/** Runs in the page: @stomp/stompjs 7. */
function openStompjs7({ url, login, passcode, subscribe, publish, message }) {
  const client = new StompJs.Client({
    brokerURL: url,
    connectHeaders: { login, passcode, host: '/' },
    reconnectDelay: 0,
    onConnect: () => {
      client.watchForReceipt('subscribed', () => {
        report({ event: 'subscribed' });
        client.publish({ destination: publish, body: message });
      });
      const receive = (received) => report({ event: 'received', body: received.body });
      client.subscribe(subscribe, receive, { receipt: 'subscribed' });
    },
    onStompError: (frame) => report({ event: 'error', text: frame.headers.message }),
    onWebSocketClose: (closed) => report({ event: 'error', text: `closed with ${closed.code}` }),
  });
  client.activate();
}

/** Runs in the page: stomp.js 2.x. */
function openStompJs2({ url, login, passcode, subscribe, publish, message }) {
  const client = Stomp.client(url);
  client.debug = null;
  client.onreceipt = () => {
    report({ event: 'subscribed' });
    client.send(publish, {}, message);
  };
  const handleConnected = () => {
    const receive = (received) => report({ event: 'received', body: received.body });
    client.subscribe(subscribe, receive, { receipt: 'subscribed' });
  };
  const handleError = (frame) => report({ event: 'error', text: String(frame.headers?.message ?? frame) });
  client.connect(login, passcode, handleConnected, handleError, '/');
}

const libraries = {
  'stompjs-7': { path: join(packages, '@stomp/stompjs/bundles/stomp.umd.js'), open: openStompjs7 },
  'stomp.js-2': { path: join(packages, 'stompjs/lib/stomp.js'), open: openStompJs2 },
};

const { path, open } = libraries[library];
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    // The page below comes from no address at all, so Chromium would keep it from this machine's own.
    '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
  ],
});
const page = await browser.newPage();
page.on('console', (said) => console.error(said.text()));
await page.exposeFunction('report', (event) => console.log(JSON.stringify(event)));
const address = `${new URL(url).origin.replace(/^ws/, 'http')}/page`;
const empty = { contentType: 'text/html', body: '<!doctype html><title>page</title>' };
await page.route(address, (route) => route.fulfill(empty));
await page.goto(address);
await page.addScriptTag({ path });
await page.evaluate(open, { url, login, passcode, subscribe, publish, message });
