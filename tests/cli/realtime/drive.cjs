// What an app does: log in, load what is there, listen, and read what has changed when it is told.
//
//   node drive.cjs VERSION TRANSPORT URL
'use strict';

const [version, transport, url] = process.argv.slice(2);
const client = require(`socket.io-client-${version}`);
const io = client.io || client;

const BAKERY = 'c00000000000000000000004';
const EMMA = 'e00000000000000000000405';
const PERSONAL = 'e00000000000000000000404';
const ANNA = 'e00000000000000000000402';

async function call(path, token, body) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(url + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function logIn(name) {
  const username = `${name}@bakery.example.com`;
  return (await call('/auth/login', '', { username, password: 'Demo-Passw0rd' })).token;
}

/// What the socket says next under a name; an error that it says instead, or a connection that fails, is thrown.
function next(socket, name) {
  return new Promise((resolve, reject) => {
    socket.once(name, resolve);
    socket.once('error', (refusal) => reject(new Error(JSON.stringify(refusal))));
    socket.once('connect_error', reject);
  });
}

async function main() {
  // The start of the app, as far as the pages tell it.
  const token = await logIn('emma');
  const start = ['/pbx/app/version', '/pbx/app/employees', '/pbx/app/queues', '/pbx/app/permissions', '/pbx/phonebook'];
  const [version, employees, queues, permissions, contacts] = await Promise.all(start.map((path) => call(path, token)));
  const own = await call(`/pbx/app/mobileconfig/${EMMA}`, token);
  if (!version.ios || !contacts.contacts || employees.length === 0 || queues.length === 0) throw new Error('nothing is loaded');
  if (!Object.values(permissions).some((rights) => rights.pickup)) throw new Error(JSON.stringify(permissions));
  const manager = await logIn('manager');
  // One that is not copied already: others may have been here before.
  const sources = await Promise.all([PERSONAL, ANNA].map((id) => call(`/pbx/app/mobileconfig/${id}`, manager)));
  const source = sources.find((config) => JSON.stringify(config.configs) !== JSON.stringify(own.configs));

  const socket = io(url, { transports: transport.split(','), forceNew: true, reconnection: false });
  await next(socket, 'connect');
  socket.emit('authenticate', { token, client: 'test', instanceId: '1' });
  await next(socket, 'authenticated');
  socket.emit('subscribe', { type: 'CONFIG', customer: BAKERY });
  await next(socket, 'subscribed');

  const heard = next(socket, 'CONFIG');
  await call('/pbx/app/mobileconfig/', manager, { _id: source._id, copyTo: EMMA });
  const event = await heard;
  if (event.type !== 'MOBILE_CONFIG_CHANGED' || event.id !== EMMA) throw new Error(JSON.stringify(event));
  const config = await call(`/pbx/app/mobileconfig/${event.id}`, token);
  if (JSON.stringify(config.configs) !== JSON.stringify(source.configs)) throw new Error(JSON.stringify(config));

  const refusal = new Promise((resolve) => socket.once('error', resolve));
  socket.emit('subscribe', { type: 'ADMIN' });
  if ((await refusal).error.code !== 'access_denied') throw new Error('administrators are heard');
  const engine = socket.io.engine.transport.name;

  const end = new Promise((resolve) => socket.once('disconnect', resolve));
  const told = new Promise((resolve) => socket.once('error', resolve));
  await call('/auth/logout', token);
  if ((await told).error.status !== 401) throw new Error('the end of the session is not told');
  await end;
  console.log(`${engine} heard ${event.type}`);
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
