#!/usr/bin/env node
// The CNI plugin's program: one command of the protocol, on standard input and output.
import { text } from 'node:stream/consumers';
import { runCniPlugin } from '../node-agent/cni/index.ts';

const { output, status } = await runCniPlugin(process.env, await text(process.stdin));
process.stdout.write(`${JSON.stringify(output)}\n`);
process.exitCode = status;
