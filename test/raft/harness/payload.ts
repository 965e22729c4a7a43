/** Commands as short texts. */

export function payload(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function payloadText(data: Uint8Array): string {
  return String.fromCharCode(...data);
}
