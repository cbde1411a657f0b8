// Serves ui/dist on a free loopback port, with the content security policy of the app's window.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const dist = join(import.meta.dirname, '../dist');
const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The policy from the app's configuration. */
async function contentSecurityPolicy(): Promise<string> {
  const config = JSON.parse(await readFile(join(import.meta.dirname, '../../src-tauri/tauri.conf.json'), 'utf8')) as {
    app: { security: { csp: Record<string, string> } };
  };
  return Object.entries(config.app.security.csp)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

export default async function serve(): Promise<() => Promise<void>> {
  await readFile(join(dist, 'index.html')).catch(() => {
    throw new Error('ui/dist is missing: run `npm run build` first');
  });
  const policy = await contentSecurityPolicy();
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = join(dist, path === '/' ? 'index.html' : path);
    readFile(file).then(
      (content) =>
        response
          .writeHead(200, {
            'content-type': types[extname(file)] ?? 'application/octet-stream',
            'content-security-policy': policy,
          })
          .end(content),
      () => response.writeHead(path === '/favicon.ico' ? 204 : 404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['BELFRY_UI'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return () =>
    new Promise((resolve, reject) => {
      server.closeAllConnections();
      server.close((error) => {
        if (error) reject(error);
        else resolve();
      });
    });
}
