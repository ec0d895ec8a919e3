// What is written within one turn of the event loop goes out at its end, in one system call a connection in the common case. Connections bracket the work on bytes that arrived with
// `beginTurn` and `endTurn`; their outputs come here with what they have gathered.

/** Gathers bytes and writes them when told. */
export interface Gathering {
  flush(): void;
}

let waiting: Gathering[] = [];
let turns = 0;

function flushWaiting(): void {
  const outputs = waiting;
  waiting = [];
  for (const output of outputs) output.flush();
}

/** Bytes that arrived are being worked on: what that writes is written at `endTurn`, which costs no callback of the event loop. */
export function beginTurn(): void {
  turns += 1;
}

/** The end of what `beginTurn` began. */
export function endTurn(): void {
  turns -= 1;
  if (turns === 0 && waiting.length > 0) flushWaiting();
}

/** `output` has something to write: its `flush` is called once, at the end of this turn. */
export function flushAtEnd(output: Gathering): void {
  if (waiting.push(output) === 1 && turns === 0) process.nextTick(flushWaiting);
}
