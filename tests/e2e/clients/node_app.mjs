// A Node server with @sentry/node: node node_app.mjs PORT DSN RELEASE.
import http from 'node:http';
import * as Sentry from '@sentry/node';

const [port, dsn, release] = process.argv.slice(2);

class OutOfStock extends Error {
  name = 'OutOfStock';
}

Sentry.init({
  dsn, release, environment: 'staging', ignoreErrors: [/gone/],
  beforeSend: (event, hint) => (String(hint.originalException).includes('expected') ? null : event),
});

let addresses = 0x7f00aa00;

function take(way) {
  const shelf = `shelf 1234567 at 0x${(addresses += 64).toString(16)}`;
  if (way === '1') {
    throw new OutOfStock(`nothing left in ${shelf}`);
  }

  // Further down, the same.
  throw new OutOfStock(`nothing left in ${shelf}`);
}

const routes = {
  '/healthz': () => 'ok',
  '/buy': (url) => take(url.searchParams.get('way')),
  '/gone': () => { throw new Error('this page is gone'); },
  '/expected': () => { throw new Error('expected, too'); },
};

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  Sentry.setUser({ id: 'u-42', email: 'ann@example.com' });
  Sentry.setTag('request_id', request.headers['x-request-id'] ?? '');
  if (!(url.pathname in routes)) {
    response.statusCode = 404;
    return response.end('no such page');
  }
  try {
    response.end(routes[url.pathname](url));
  } catch (error) {
    Sentry.captureException(error);
    response.statusCode = url.pathname === '/gone' ? 404 : 500;
    response.end('failed');
  }
});
server.listen(Number(port), '127.0.0.1');
