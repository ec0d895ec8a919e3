// Base64, by hand since this floor has neither Node nor a browser beneath it. For bodies of direct responses.

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The bytes that `text` writes in base64 (also its URL form); other characters are passed over. */
export function fromBase64(text: string): Uint8Array {
  const digits = [...text.replaceAll('-', '+').replaceAll('_', '/')].map((digit) => BASE64.indexOf(digit)).filter((digit) => digit >= 0);
  const bytes = new Uint8Array(Math.floor((digits.length * 6) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    held = ((held << 6) | digit) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at] = (held >> bits) & 0xff;
    at += 1;
  }
  return bytes;
}
