// What an application does with MongoDB's own driver: `mongodb-client.ts MILLISECONDS ADDRESS ...` asks the databases at all addresses at once, has patience for so long with each of its waits,
// and prints what came of each as JSON. Tests start it in network namespaces, or bundle it and feed it to a pod.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type Collection } from 'mongodb';
import type { Findings } from './mongodb-findings.ts';

const POOL = 4;
const DOCUMENTS = 1000;
const BATCH = 100;
const LARGE = 4 * 1024 * 1024;
/** The driver's shortest interval between looks at the server. */
const HEARTBEAT_MILLISECONDS = 500;

const [, , patience = '', ...addresses] = process.argv;
const milliseconds = Number(patience);

interface Record {
  readonly _id: string;
  readonly number?: number;
  readonly text?: string;
}

const digest = (text: string | undefined): string => createHash('sha256').update(text ?? '').digest('hex');

/** Looks at the database at an address. */
async function findingsAt(address: string): Promise<Findings> {
  const client = new MongoClient(`mongodb://${address}/`, {
    directConnection: true, minPoolSize: POOL, maxPoolSize: POOL, monitorCommands: true, heartbeatFrequencyMS: HEARTBEAT_MILLISECONDS,
    serverSelectionTimeoutMS: milliseconds, connectTimeoutMS: milliseconds, socketTimeoutMS: milliseconds, waitQueueTimeoutMS: milliseconds,
  });
  const seen = { getMores: 0, ready: 0, heartbeats: 0, failedHeartbeats: 0, connections: new Set<string | number | undefined>() };
  client.on('connectionReady', () => (seen.ready += 1));
  client.on('serverHeartbeatSucceeded', () => (seen.heartbeats += 1));
  client.on('serverHeartbeatFailed', () => (seen.failedHeartbeats += 1));
  client.on('commandSucceeded', ({ commandName }) => { if (commandName === 'getMore') seen.getMores += 1; });
  client.on('commandStarted', ({ connectionId }) => seen.connections.add(connectionId));
  try {
    await client.connect();
    const database = client.db(`test_${randomBytes(6).toString('hex')}`);
    const collection = database.collection<Record>('records');
    const documents = await insertAndRead(collection);
    const { getMores } = seen;
    const [largeDocument, duplicateKey] = [await largeDocumentReturns(collection), await duplicateKeyCode(collection)];
    await until(() => seen.ready >= POOL);
    seen.connections.clear();
    await Promise.all(Array.from({ length: POOL }, (_, index) => collection.findOne({ _id: `record ${index}` })));
    const pooledConnections = seen.connections.size;
    await until(() => seen.heartbeats >= 3);
    await database.dropDatabase();
    return { documents, getMores, largeDocument, duplicateKey, pooledConnections, monitored: seen.heartbeats >= 3 && seen.failedHeartbeats === 0 };
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  } finally {
    await client.close();
  }
}

async function insertAndRead(collection: Collection<Record>): Promise<number> {
  await collection.insertMany(Array.from({ length: DOCUMENTS }, (_, number) => ({ _id: `record ${number}`, number, text: 'x'.repeat(number) })));
  let found = 0;
  for await (const { number, text } of collection.find({ number: { $gte: 0 } }).batchSize(BATCH)) if (text?.length === number) found += 1;
  return found;
}

async function largeDocumentReturns(collection: Collection<Record>): Promise<boolean> {
  const text = randomBytes(LARGE / 2).toString('hex');
  await collection.insertOne({ _id: 'large', text });
  return digest((await collection.findOne({ _id: 'large' }))?.text) === digest(text);
}

async function duplicateKeyCode(collection: Collection<Record>): Promise<number> {
  try {
    await collection.insertOne({ _id: 'large' });
    return 0;
  } catch (error) {
    return Number((error as { readonly code?: unknown }).code);
  }
}

async function until(reached: () => boolean): Promise<void> {
  for (const limit = Date.now() + milliseconds; !reached() && Date.now() < limit;) await sleep(50);
}

void Promise.all(addresses.map(findingsAt)).then((findings) => process.stdout.write(JSON.stringify(findings)));
