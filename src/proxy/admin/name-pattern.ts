// Regular expressions in queries of the admin interface: RE2's, whose time grows with the text alone, as they run where the traffic runs.
import { RE2JS } from 're2js';
import { HttpError } from '../../shared/http/index.ts';

const MAXIMUM_LENGTH = 256;

/** A test whether `expression` is found in a name; throws HttpError 400 for what RE2 does not take. */
export function namePattern(expression: string): (name: string) => boolean {
  if (expression.length > MAXIMUM_LENGTH) throw new HttpError(400, `the expression is longer than ${MAXIMUM_LENGTH} characters`);
  try {
    const pattern = RE2JS.compile(expression);
    return (name) => pattern.matcher(name).find();
  } catch (cause) {
    throw new HttpError(400, 'the expression is not a regular expression that RE2 takes', { cause });
  }
}
