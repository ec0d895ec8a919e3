// Who has signed in, kept in a signed cookie. There are no accounts: any name signs in, with any password.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const key = process.env.SESSION_KEY ?? randomBytes(32).toString('hex');

/** The `set-cookie` value that signs `user` in, or out when there is none. */
export function sessionCookie(user: string | undefined): string {
  if (user === undefined) return 'session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0';
  const name = Buffer.from(user).toString('base64url');
  return `session=${name}.${signature(name)}; Path=/; HttpOnly; SameSite=Lax`;
}

/** The user of a request's cookie; undefined when there is none or it was not made here. */
export function sessionUser(headers: IncomingHttpHeaders): string | undefined {
  const match = /(?:^|;\s*)session=([\w-]+)\.([\w-]+)/.exec(headers.cookie ?? '');
  if (!match) return undefined;
  const [, name = '', given = ''] = match;
  const [expected, actual] = [Buffer.from(signature(name)), Buffer.from(given)];
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return undefined;
  return Buffer.from(name, 'base64url').toString('utf8');
}

function signature(name: string): string {
  return createHmac('sha256', key).update(name).digest('base64url');
}
