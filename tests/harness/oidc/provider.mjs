// A real OpenID Connect provider on a free port of loopback, with login and consent forms that take
// any login. Argument: JSON options. Prints one line with its issuer when it is ready.
//
// Beside the provider's own paths: POST /control/revoke ends every sign-in, POST /control/down and
// /control/up have the token endpoint answer 503 or work again, GET /control/grants lists what the
// token endpoint was asked for, GET /control/key is the public key of its tokens as PEM.
import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const options = {
  // Seconds.
  accessTokenLifetime: 3600,
  // Members of the metadata that are replaced.
  metadata: {},
  // Whether access tokens are JWTs for this audience, with those of these scopes that were asked for.
  audience: '',
  resourceScopes: '',
  // `https://HOST:PORT` of a front that ends TLS; empty: it is reached as it is.
  issuer: '',
  ...JSON.parse(process.argv[2] ?? '{}'),
};

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}`;
const issuer = options.issuer || address;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'belfry',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'] },
  cookies: { keys: ['only for tests'] },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, preferred_username: `${accountId}.name`, email: `${accountId}@example.com` }),
  }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: options.audience !== '',
      defaultResource: () => 'urn:belfry',
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: options.resourceScopes,
        audience: options.audience,
        accessTokenTTL: options.accessTokenLifetime,
        accessTokenFormat: 'jwt',
      }),
    },
  },
  rotateRefreshToken: true,
  ttl: { AccessToken: options.accessTokenLifetime, Grant: 86_400, IdToken: 3600, Interaction: 600, Session: 3600 },
});

// What comes through the front came encrypted.
provider.proxy = options.issuer !== '';

const grants = [];
const issued = new Set();
let isDown = false;
provider.on('grant.success', (ctx) => {
  grants.push({ type: ctx.oidc.params.grant_type, succeeded: true });
  const grant = ctx.oidc.entities.Grant?.jti;
  if (grant) issued.add(grant);
});
provider.on('grant.error', (ctx, error) => {
  grants.push({ type: ctx.oidc?.params?.grant_type, succeeded: false, error: error.error });
});

async function revoke() {
  for (const grant of issued) {
    await provider.RefreshToken.revokeByGrantId(grant);
    await provider.AccessToken.revokeByGrantId(grant);
    await (await provider.Grant.find(grant))?.destroy();
  }
  issued.clear();
}

function answer(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function publicKey() {
  const { keys } = await (await fetch(`${address}/jwks`)).json();
  const key = keys.find(({ kty }) => kty === 'RSA');
  return { id: key.kid, pem: createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) };
}

const handle = provider.callback();
server.on('request', async (request, response) => {
  if (issuer === `https://${request.headers.host}`) request.headers['x-forwarded-proto'] = 'https';
  if (request.url === '/control/revoke') {
    await revoke();
    answer(response, 200, {});
  } else if (request.url === '/control/down' || request.url === '/control/up') {
    isDown = request.url === '/control/down';
    answer(response, 200, {});
  } else if (request.url === '/control/grants') {
    answer(response, 200, grants);
  } else if (request.url === '/control/key') {
    answer(response, 200, await publicKey());
  } else if (request.url === '/token' && isDown) {
    answer(response, 503, {});
  } else if (request.url === '/.well-known/openid-configuration') {
    const metadata = {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      ...options.metadata,
    };
    answer(response, 200, metadata);
  } else {
    handle(request, response);
  }
});

console.log(JSON.stringify({ issuer, address }));
