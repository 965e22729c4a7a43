/**
 * Text and bytes for the pure layers, where `TextEncoder` and `atob` are not known: protobuf's own
 * codecs, the same ones that the wire format uses.
 */
import { base64Decode, base64Encode, getTextEncoding } from "@bufbuild/protobuf/wire";

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return getTextEncoding().encodeUtf8(text);
}

/** Text of UTF-8 `bytes`; invalid sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return getTextEncoding().decodeUtf8(bytes);
}

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  return base64Encode(bytes);
}

/** Bytes of standard or URL-safe base64, padded or not. Throws on other characters. */
export function fromBase64(text: string): Uint8Array {
  return base64Decode(text);
}
