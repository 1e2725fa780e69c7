// A page with @sentry/browser. Where to send to stands in the page's address; errors are the page's own, uncaught.
import * as Sentry from '@sentry/browser';

const settings = new URL(location.href).searchParams;

class OutOfStock extends Error {
  name = 'OutOfStock';
}

Sentry.init({
  dsn: settings.get('dsn'),
  tunnel: settings.get('tunnel') ?? undefined,
  release: settings.get('release'),
  environment: 'staging',
  ignoreErrors: [/gone/],
  beforeSend: (event, hint) => (String(hint.originalException).includes('expected') ? null : event),
});
Sentry.setUser({ id: 'u-42', email: 'ann@example.com' });
Sentry.setTag('request_id', settings.get('request_id'));

function take(way) {
  const shelf = `shelf 1234567 at 0x${(0x7f00aa00 + way * 64).toString(16)}`;
  if (way === 1) {
    throw new OutOfStock(`nothing left in ${shelf}`);
  }

  // Further down, the same.
  throw new OutOfStock(`nothing left in ${shelf}`);
}

function onBuy(event) {
  take(Number(event.target.value));
}

setTimeout(() => { throw new Error('this page is gone'); }, 0);
setTimeout(() => { throw new Error('expected, too'); }, 0);
for (const way of ['1', '2']) {
  const button = document.body.appendChild(document.createElement('button'));
  button.value = way;
  button.addEventListener('click', onBuy);
  setTimeout(() => button.click(), 50 * Number(way));
}
