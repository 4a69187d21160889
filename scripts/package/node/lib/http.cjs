// Calls of the controls: JSON over HTTP. With node:http, because fetch is not there in every environment of jest, and
// because nothing must stay open when the tests have ended.
'use strict';

const http = require('node:http');

/** What the program, or one of its controls, refused. */
class TelecomxError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'TelecomxError';
  }
}

/** Calls a control and gives its answer; an answer that is an error is thrown. */
function call(method, url, { body, query, timeoutMs = 30_000 } = {}) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
  }
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = content ? { 'Content-Type': 'application/json', 'Content-Length': content.length } : {};
  return new Promise((resolve, reject) => {
    const fail = (error) =>
      reject(new TelecomxError(`${method} ${address}: telecomx-local does not answer (${error.message})`, { cause: error }));
    const request = http.request(address, { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode >= 400) {
          reject(new TelecomxError(`${method} ${address}: ${response.statusCode} ${message(text)}`));
        } else {
          resolve(text ? JSON.parse(text) : undefined);
        }
      });
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`nothing came for ${timeoutMs} ms`)));
    request.on('error', fail);
    request.end(content);
  });
}

function message(text) {
  try {
    return JSON.parse(text).error.message;
  } catch {
    return text.slice(0, 500);
  }
}

module.exports = { TelecomxError, call };
