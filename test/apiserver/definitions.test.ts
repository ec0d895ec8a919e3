// Our CustomResourceDefinitions on a real API server: accepted without a warning, structural, established, and within the cost that rules may have.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startTestApiServer, type TestApiServer } from '../support/test-api-server.ts';

interface Definition { readonly metadata: { readonly name: string }; readonly spec: { readonly names: { readonly kind: string } } }

const folder = join(import.meta.dirname, '../../crds');
const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definitions = readdirSync(folder).map((file) => parse(readFileSync(join(folder, file), 'utf8')) as Definition);
let server: TestApiServer;

beforeAll(async () => { server = await startTestApiServer(217); });
afterAll(async () => {
  for (const { metadata } of definitions) await server.admin.requestAny({ method: 'DELETE', path: `${path}/${metadata.name}` });
  await server?.stop();
});

describe('a real API server takes our definitions', () => {
  it.each(definitions.map((definition) => [definition.metadata.name, definition] as const))('%s', async (name, definition) => {
    const answer = await server.admin.requestAny({ method: 'POST', path, query: { fieldValidation: 'Strict' }, body: definition });
    expect({ status: answer.status, warning: answer.headers['warning'] ?? '', problem: answer.status < 400 ? '' : answer.body }).toEqual({ status: 201, warning: '', problem: '' });
    await expect.poll(async () => {
      const { status } = JSON.parse((await server.admin.request({ method: 'GET', path: `${path}/${name}` })).body) as { status: { conditions?: { type: string; status: string }[] } };
      return Object.fromEntries((status.conditions ?? []).map((condition) => [condition.type, condition.status]));
    }, { timeout: 10_000 }).toEqual({ NamesAccepted: 'True', Established: 'True' });
  });
});
