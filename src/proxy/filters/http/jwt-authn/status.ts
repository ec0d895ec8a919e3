// How the check of a token ends, with the texts that Envoy tells clients.

const TEXTS = {
  ok: 'OK',
  missing: 'Jwt is missing',
  not_yet_valid: 'Jwt not yet valid',
  expired: 'Jwt is expired',
  bad_format: 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
  header_bad_base64: 'Jwt header is an invalid Base64url encoded',
  header_bad_json: 'Jwt header is an invalid JSON',
  header_bad_algorithm: 'Jwt header [alg] field is required and must be a string',
  header_unknown_algorithm: 'Jwt header [alg] is not supported',
  header_bad_key_id: 'Jwt header [kid] field is not a string',
  // Envoy passes over what RFC 7515 section 4.1.11 forbids to pass over; the text is ours.
  header_critical: 'Jwt header [crit] names an extension that is not supported',
  payload_bad_base64: 'Jwt payload is an invalid Base64url encoded',
  payload_bad_json: 'Jwt payload is an invalid JSON',
  iss_no_string: 'Jwt payload [iss] field is not a string',
  sub_no_string: 'Jwt payload [sub] field is not a string',
  jti_no_string: 'Jwt payload [jti] field is not a string',
  iat_no_integer: 'Jwt payload [iat] field is not an integer',
  nbf_no_integer: 'Jwt payload [nbf] field is not an integer',
  exp_no_integer: 'Jwt payload [exp] field is not an integer',
  iat_out_of_range: 'Jwt payload [iat] field is not a positive 64 bit integer',
  nbf_out_of_range: 'Jwt payload [nbf] field is not a positive 64 bit integer',
  exp_out_of_range: 'Jwt payload [exp] field is not a positive 64 bit integer',
  aud_no_string: 'Jwt payload [aud] field is not a string or string list',
  signature_bad_base64: 'Jwt signature is an invalid Base64url encoded',
  signature_wrong_length: 'Jwt ED25519 signature is wrong length',
  unknown_issuer: 'Jwt issuer is not configured',
  audience_not_allowed: 'Audiences in Jwt are not allowed',
  verification_failed: 'Jwt verification fails',
  no_valid_keys: 'Jwks doesn\'t have any valid public key',
  no_matching_key: 'Jwks doesn\'t have key to match kid or alg from Jwt',
  fetch_failed: 'Jwks remote fetch is failed',
} as const;

/** How a check ended. */
export type JwtStatus = keyof typeof TEXTS;

/** Envoy's text for `status`. */
export function statusText(status: JwtStatus): string {
  return TEXTS[status];
}
