// A client of sessions (docs/session.md) in one file: for browsers and for Node from 22 on, without libraries.
//
//   const session = await Session.open("http://localhost:8787");
//   await session.put("name", "john");
//   console.log(await session.get("name")); // john
//
// In a deployment with an API_TOKEN: Session.open("https://…", "the token").

const text = new TextEncoder();
const PROTOCOL = "edged.session.v1";

export class Session {
  #socket;
  #welcome;
  #calls = new Map();
  #id = 0;
  #takenBytes = 0;
  #toldBytes = 0;

  /** Resolves once the server has said what it takes. */
  static open(url, token = "") {
    const session = new Session();
    // Browsers send no headers with a WebSocket: the token travels as the name of a subprotocol.
    const bearer = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const protocols = token === "" ? [PROTOCOL] : [PROTOCOL, `edged.bearer.${bearer}`];
    return new Promise((opened, failed) => {
      const socket = new WebSocket(`${url.replace(/^http/, "ws").replace(/\/$/, "")}/session`, protocols);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => {
        session.#receive(new Uint8Array(data));
        opened(session);
      };
      socket.onclose = () => {
        failed(new Error("there is no session"));
        session.#lost();
      };
      session.#socket = socket;
    });
  }

  async put(key, value) {
    const request = message(bytesField(1, text.encode(key)), bytesField(2, text.encode(value)));
    await this.call("/etcdserverpb.KV/Put", request);
  }

  /** The value as text; null if there is no such key. */
  async get(key) {
    const response = await this.call("/etcdserverpb.KV/Range", bytesField(1, text.encode(key)));
    const pair = fieldsOf(response).get(2)?.[0];
    return pair === undefined ? null : new TextDecoder().decode(fieldsOf(pair).get(5)?.[0]);
  }

  /** One call by its gRPC path; the encoded response, or an error with gRPC's code. Many may be under way. */
  call(path, request, metadata = {}) {
    if (this.#calls.size >= this.#welcome.callsMax) throw new Error("too many calls at a time");
    this.#id += 1;
    const entries = Object.entries(metadata).map(([name, value]) =>
      bytesField(4, message(bytesField(1, text.encode(name)), bytesField(2, text.encode(value)))),
    );
    const call = message(
      numberField(1, this.#id),
      bytesField(2, text.encode(path)),
      bytesField(3, request),
      ...entries,
    );
    this.#send(bytesField(1, call));
    return new Promise((answered, failed) => {
      this.#calls.set(this.#id, { answered, failed });
    });
  }

  close() {
    this.#socket.close();
  }

  #send(...fields) {
    // What was taken is told with whatever is sent.
    this.#toldBytes = this.#takenBytes;
    this.#socket.send(message(...fields, numberField(3, this.#takenBytes)));
  }

  #receive(bytes) {
    this.#takenBytes += bytes.length;
    const fields = fieldsOf(bytes);
    for (const welcome of fields.get(1) ?? []) {
      const said = fieldsOf(welcome);
      this.#welcome = { callsMax: said.get(1)[0], untakenBytesMax: said.get(4)[0] };
    }
    for (const answer of fields.get(2) ?? []) this.#answer(fieldsOf(answer));
    for (const problem of fields.get(3) ?? []) {
      console.error("not understood:", new TextDecoder().decode(fieldsOf(problem).get(3)?.[0]));
    }
    if (this.#takenBytes - this.#toldBytes > this.#welcome.untakenBytesMax / 4) this.#send();
  }

  #answer(fields) {
    const id = fields.get(1)?.[0];
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    const code = fields.get(3)?.[0] ?? 0;
    if (code === 0) call?.answered(fields.get(2)?.[0] ?? new Uint8Array(0));
    else call?.failed(Object.assign(new Error(new TextDecoder().decode(fields.get(4)?.[0])), { code }));
  }

  /** A write among them may have been done all the same: only an `idempotency-key` lets it be repeated. */
  #lost() {
    for (const { failed } of this.#calls.values()) failed(new Error("the session was lost"));
    this.#calls.clear();
  }
}

// Protobuf, as much as is needed of it.

function varint(number) {
  const bytes = [];
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return [...bytes, left];
}

function numberField(field, number) {
  return Uint8Array.from([field * 8, ...varint(number)]);
}

function bytesField(field, bytes) {
  return message(Uint8Array.from([field * 8 + 2, ...varint(bytes.length)]), bytes);
}

function message(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** All values of each field: numbers, or bytes. */
function fieldsOf(bytes) {
  const fields = new Map();
  let at = 0;
  const read = () => {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      number += (byte % 128) * factor;
      if (byte < 128) return number;
    }
  };
  while (at < bytes.length) {
    const tag = read();
    let value = read();
    if (tag % 8 === 2) {
      value = bytes.subarray(at, at + value);
      at += value.length;
    }
    fields.set(Math.floor(tag / 8), [...(fields.get(Math.floor(tag / 8)) ?? []), value]);
  }
  return fields;
}
