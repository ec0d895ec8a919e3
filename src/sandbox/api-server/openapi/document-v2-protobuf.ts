// The OpenAPI v2 document in protobuf form, the only one that kubectl takes. It asks for it only about kinds that no OpenAPI v3 document knows,
// so the document has no paths and no kinds: the answer is that there is nothing about them, and kubectl then says that the kind does not exist.
import { KUBERNETES_VERSION } from '../version.ts';

/** Media type that clients ask for; the answer's has a dot in the place of the at sign. */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** Field numbers of openapi.v2.Document and its Info. */
const [SWAGGER, INFO, PATHS] = [1, 2, 8];
const [TITLE, VERSION] = [1, 2];

/** The document. */
export function openApiV2Protobuf(): Buffer {
  const info = Buffer.concat([field(TITLE, Buffer.from('Mizzen sandbox')), field(VERSION, Buffer.from(KUBERNETES_VERSION))]);
  return Buffer.concat([field(SWAGGER, Buffer.from('2.0')), field(INFO, info), field(PATHS, Buffer.alloc(0))]);
}

/** A field with a length; all of them are shorter than 128 bytes, so each length is one byte. */
function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]);
}
